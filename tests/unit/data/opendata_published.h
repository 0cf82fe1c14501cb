#pragma once

/*
 * Single values published with WeChat's documentation and with SDKs' tests, each
 * with its source.
 */

/* WeChat's aes-sample (developers.weixin.qq.com, open-ability/signature) */
#define OFFICIAL_KEY \
	"tiihtNczf5v6AKRyjwEUhQ=="
#define OFFICIAL_IV \
	"r7BXXKkLb8qrSNn05n0qiA=="
#define OFFICIAL_DATA \
	"CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGT" \
	"yaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYS" \
	"tslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnE" \
	"tpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIB" \
	"zD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4" \
	"ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHq" \
	"Z9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYT" \
	"opNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG" \
	"20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
#define OFFICIAL_PLAIN \
	"{\"openId\":\"oGZUI0egBJY1zhBYw2KhdUfwVJJE\",\"nickName\":\"Band\",\"" \
	"gender\":1,\"language\":\"zh_CN\",\"city\":\"Guangzhou\",\"province\":\"" \
	"Guangdong\",\"country\":\"CN\",\"avatarUrl\":\"http://wx.qlogo.cn/mm" \
	"open/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7G" \
	"Fhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0\",\"unionId\":\"ocM" \
	"vos6NjeKLIBqg5Mr9QjxrP1FA\",\"watermark\":{\"timestamp\":14773141" \
	"87,\"appid\":\"wx4f4bc4dec97d474b\"}}"

/* SKIT.FlurlHttpClient.Wechat.Api, TestCase_ToolsAESUtilityTests */
#define PHONE_KEY \
	"YZJqKnNFi0KAiKUc0ggC2g=="
#define PHONE_IV \
	"KEWv/gyiIwAfHvjrLeaX6w=="
#define PHONE_DATA \
	"Gu2PVnxVWl+jK4F8c0liGxfkB5Bj3m5HRvwgEIk1Yb+36RZ3Bg7YmUnud/oo" \
	"iHz0PQroipsH7GCjlGwUeT04NwmrFaP1y3dRYPLpS43ed9QZWcFIFo+8vTs3" \
	"Zco6S98DUvaNEAs8duhz/BzfBOZaIHMziRqEtPFI0ZDzCgJluBirJ6Wl3Uky" \
	"gZ5/QLo3KA53qGdip7K48Rq8XbCwuidTCw=="
#define PHONE_PLAIN \
	"{\"phoneNumber\":\"186****5613\",\"purePhoneNumber\":\"186****5613\"" \
	",\"countryCode\":\"86\",\"watermark\":{\"timestamp\":1634545675,\"app" \
	"id\":\"wxc****17e87e0e0a7\"}}"

/* wechatpay-axios-plugin, tests/lib/aes.test.js; the key and iv above */
#define EMPTY_DATA \
	"qJ3AQxeKzsJ9mDC9BRN4YQ=="

/* developers.weixin.qq.com, open-ability/signature: rawData and its signature */
#define SIGNATURE_KEY \
	"HyVFkGl5F5OQWJZZaNzBBg=="
#define SIGNATURE_RAW \
	"{\"nickName\":\"Band\",\"gender\":1,\"language\":\"zh_CN\",\"city\":\"Gua" \
	"ngzhou\",\"province\":\"Guangdong\",\"country\":\"CN\",\"avatarUrl\":\"h" \
	"ttp://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZx" \
	"x3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/" \
	"0\"}"
#define SIGNATURE_SUM \
	"75e81ceda165f4ffa64f4068af58c64b8f54b88c"

/* developers.weixin.qq.com, http-signature: a body signed with the login state */
#define LOGIN_KEY \
	"o0q0otL8aEzpcZL/FT9WsQ=="
#define LOGIN_BODY \
	"{\"foo\":\"bar\"}"
#define LOGIN_SUM \
	"654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432" \
	"aa0b"
/* the same key over nothing, as wxa/checksession has it; computed by openssl */
#define LOGIN_SUM_EMPTY \
	"46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fe" \
	"d128"
