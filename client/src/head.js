/*
 * mpcloud.js: wx.cloud for a server of one's own.
 *
 * Copy this file into a mini program and write, first thing in app.js,
 *
 *     require('./mpcloud.js').install({ url: 'https://cloud.example.com' });
 *
 * and what pages know from wx.cloud goes on working, by promise and by
 * success/fail/complete, with the same results and the same error numbers.  In
 * browsers and in Node.js it is the same file.
 *
 * One idea holds it together: session.ask() is the only way out.  It brings the
 * token, and when the server says that the token is stale it gets another and
 * asks once more; everything above it only shapes what goes in and what comes
 * back.
 *
 * wx.login changes the key that WeChat encrypts a user's data with.  So logins
 * and what is done with such data stand in one queue (alone), and data is asked
 * of WeChat after the login, not before.
 *
 * This file is put together from client/src by client/join; edit those.  Its
 * syntax is ES2015 (no async functions, no object spread): what mini programs
 * run as it stands, and their tools can turn into ES5.
 */
