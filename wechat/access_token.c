/*
 * See access_token.h.
 */
#include "wechat/access_token.h"
