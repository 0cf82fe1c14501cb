/*
 * See wxapi.h.
 */
#include "wechat/wxapi.h"
