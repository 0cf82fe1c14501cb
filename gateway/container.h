#pragma once

/*
 * callContainer and connectContainer: requests that name a service, which here
 * is a function.  js-sdk 3.x asks /v1/cloudrun/SERVICE/PATH, mpcloud.js any
 * path with the header X-WX-Service, as wx.cloud does.
 */

struct request;

/* The route of such a request, for a path that is none of ours; 0,
 * ERR_NOT_FOUND, or ERR_ORIGIN of a page that may not.  Fills r->function and
 * r->param (the path as received). */
int container_route(struct request *r);
