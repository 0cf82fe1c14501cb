'use strict';
// Timers of the time of loading: one that comes, one that comes too late.
t.timer(5, 'soon');
t.timer(3600000, 'too late');
host.log(0, 1, 'said while it was loaded');
