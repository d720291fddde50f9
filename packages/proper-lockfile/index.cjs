'use strict';

module.exports = require('holdfast/compat/proper-lockfile');
