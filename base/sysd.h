#pragma once

/*
 * systemd without its library: sd_notify(3), sd_listen_fds(3), the watchdog.
 */

#include "base/err.h"

/* "READY=1"; nothing happens without NOTIFY_SOCKET. */
void sysd_notify(const char *state);
/* RELOADING=1 with MONOTONIC_USEC, as Type=notify-reload wants. */
void sysd_reloading(void);
/* Number of inherited descriptors from 3 on (LISTEN_FDS with our LISTEN_PID),
 * set close-on-exec; the variables are removed. */
int sysd_listen_fds(void);
/* Milliseconds between keep-alives (half of WATCHDOG_USEC), 0: not asked. */
uint64_t sysd_watchdog_ms(void);
