'use strict';

import fs from 'node:fs';
export const main = () => fs;
