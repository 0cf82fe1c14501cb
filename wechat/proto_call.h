#pragma once

/*
 * The messages that CloudBase's server SDKs put into requestData of wx.openApi,
 * and what they read as its answer (wx-server-sdk's protobuf/openapi.js):
 *
 *   CommApiData { apiType = 1; OpenApiData openapiData = 2;
 *                 SvrkitApiData svrkitData = 4; string appid = 6 }
 *   OpenApiData { repeated KeyValuePair pairs = 1 }
 *   KeyValuePair { string key = 1; bytes value = 2; string contenttype = 3;
 *                  string filename = 4 }
 *   SvrkitApiData { string apiName = 1; bytes reqData = 2 }
 *   CommOpenApiResp { bytes respData = 1; string contentType = 2;
 *                     int32 errorCode = 3; int32 httpCode = 4;
 *                     int32 svrkitErrorCode = 6 }
 */

#include "wechat/openapi.h"
#include "wechat/proto.h"

enum proto_api {
	PROTO_OPEN_API = 0,
	PROTO_INNER_API = 1,
	PROTO_SERVICE_API = 2, /* SVRKIT_API */
	PROTO_TOKEN_API = 3,
};

enum { PROTO_PAIRS = 256 };

struct proto_call {
	enum proto_api api;
	struct slice appid; /* empty: the caller's */
	/* PROTO_OPEN_API */
	size_t pairs;
	struct openapi_pair pair[PROTO_PAIRS];
	/* PROTO_SERVICE_API */
	struct slice service, request;
};

/* Points into `data`.  ERR_FORMAT; ERR_TOO_BIG: more than PROTO_PAIRS. */
int proto_call_parse(struct proto_call *ret, struct slice data) _must_check_;
/* ApiOptions { string appid = 1 }. */
int proto_options_parse(struct slice data, struct slice *ret) _must_check_;

struct proto_answer {
	struct slice body, content_type;
	int error; /* errCode, of WeChat's cloud: -604101; 0: none */
	int status, service_error;
};

void proto_answer_put(struct buf *to, const struct proto_answer *answer);
/* CommOpenApiResp of a service: { string signature = 1 } */
void proto_signature_put(struct buf *to, struct slice signature);

/* ApiVoipSignReq { groupId = 2; timestamp = 3; nonce = 4 } */
struct proto_voip {
	struct slice group, nonce;
	int64_t timestamp;
};
int proto_voip_parse(struct proto_voip *ret, struct slice data) _must_check_;

/* ApiGetOpenDataByCloudIdReq { repeated string cloudidList = 2; appid = 3 }:
 * how many there are (at most `top` are stored); negative: ERR_FORMAT,
 * ERR_TOO_BIG. */
int proto_cloudids_parse(struct slice data, struct slice *ret, size_t top,
	struct slice *ret_appid) _must_check_;
/* One OpDataItem { cloudId = 1; json = 2 } of ApiGetOpenDataByCloudIdResp. */
void proto_opendata_put(
	struct buf *to, struct slice cloudid, struct slice json);
