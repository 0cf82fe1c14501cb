/* Made by tickets.mjs; do not edit. */
#define TICKET_NOW 1780000000000LL
static const char ticket_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAytXPcGBiUrVHm95qAgKm\n"
	"B4dA5aNNhG+Kr0VgxF6lGMJgrkHO7RK8DWpODh52aDvxzaNrzLno3Sd47PnKmaEH\n"
	"biB5l0988eBTrg4/9DW4+CCdofOeGWdTau+zRiYGzT17atyjaUsOkzN9IbS4wW00\n"
	"8mIgI5G32UxO5nQdCFRQVUfXdu0yeSwHmJS8VCRUnHo3shxoiXl0z82THhTsQbGx\n"
	"r1jhe0Pkg65NH0Ty/HWEBr1y34+pYEubXHJe1YcSNO+trhssepBJnIpF15aKdATD\n"
	"IKCAmyY5IZlvi0LcjBO89mongkCWm2zswK/gwCbEF11HZi4HqBva7xfQ8ibGjD5B\n"
	"SQIDAQAB\n"
	"-----END PUBLIC KEY-----\n";
static const char other_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2H7sk48V9lAl1Kot4IPt\n"
	"9zSPWcmDVmlihjwpMBUrGL/Ehf3QWGsxc+0loJVK1uPRFxtoE3V2uX8ohbNOdenX\n"
	"yul0YzPLpwv9oMON97Z4jHJ2UDCwkNF8h5Uq0K94lZxpsKFwWnJ7u9BINYZmOzhP\n"
	"Vw+XrLyppnSECNFv4RfRTKbbyX4NrJphAApg1pneVaMWGlDFxBKRhEjubZcWLJZw\n"
	"hrOxwp/WnGKUUwh6wSMhotPvIH9G/7lBqnKQ/7Fs/6A/vyo0g+5MhJF0HKrrSn1x\n"
	"LxFpUBrXfvEQ8lLV42sY0GBaLOm2/onbPia+rYVOq3rn7DMesgQGovm+i31abIAu\n"
	"+QIDAQAB\n"
	"-----END PUBLIC KEY-----\n";
static const struct {
	bool good;
	const char *what, *ticket;
} tickets[] = {
	{true, "node-sdk",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{true, "node-sdk with an end",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6NzIwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.URinmT_p4CGHipzf3WVBV9WUWubRMW4m1zYqXfXgPyN"
		"J5ht0GLa57zbLBK_p2FvsgZot-YrU8PELZIyynXsM7k8_B2TsmaRLpbBfICQnvKu"
		"zSZW2x2i_6yoXPiC94R0e52ImhY2m9Ax3qMGkFkXo_nO9tjWJdGz1bwVx9p5WDlH"
		"ynfbQUg4KqyE_7R4B-rdb4tpqcKCnNSTklweyZqxsnU93Mle8PQH2p-qVYisJRY3"
		"P0XgSyOfuXsvPxessu6TbjrSKsGk980E9h3VNT4xg8jYZMBZ2glhX8FPkKuTAnKA"
		"J-ip89DJFjF11cUyv84M-FVc5LG8Pi3HPbeZHPT_Q1w"},
	{true, "tcb-admin-node",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{true, "node:crypto",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{true, "without typ",
		"key-1/@@/eyJhbGciOiJSUzI1NiJ9.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudj"
		"EiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIj"
		"oidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMD"
		"AwfQ.dTqRLae0spZt0-WQcHcUg61CD3XAeErKMbqBo9pyH7oeslh6aOKcRArDU9J"
		"rfQHMt7dotCr0to_UQhmrSqVA3wHRlAgxcBxGDQhp1nYPSDSWLYMDTN26P7hx6zT"
		"0LVQBulvIF8A8aYHj1KTcIFS4hvV7d7uzpEA7DM5qMMKllqTyjW5fwAEWoYCJm1t"
		"MlE0HHMnYQFUXUsqXTsLbXDI0VNKaS8f2MOBltOqGCVUy9mIk8myfXh3PsgmQbrY"
		"QibIJYEKEtoDNzmobyEGXcwdewVD29jmrvCJ19sV2Yt72eD_7YZ867jvI5Y2pwbj"
		"6zJRkBAjd368PMsVp1BpBy0rknw"},
	{true, "with kid",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0"
		".eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDA"
		"sImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzY"
		"wMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.chy9dQvtl-lfJUBNYA42V6S1"
		"4ASnECU6poSCY5BsDsZ4Iw0SHRQ5iDiRMg8kct5DT6Py9ozwcf3pTxN_C7D1V-WF"
		"o9khlwInxV8tcukjf-0jIusOLOVziPA9QwU-LomoPzXumYjFpyeu8ilp8Pw9m6EG"
		"-BwIi7hWy7aIkORYw0qqiZxk7xCvZSDq4I0OiByBfnYTONNJ1K-j6r2PKEeWuE5t"
		"70x6V1PrK7MnSdJ4pfJghVuXFGHlUZStbXUQMcG0s_L_VPX1lMadb5jpevRBNaG9"
		"dM4RS9V-iL35X0kkVZtjvYMLz7J1W2yghoXuQsJvO__lPtlZHxybWd466mAFuw"},
	{false, "alg none, no signature",
		"key-1/@@/eyJhbGciOiJub25lIn0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjE"
		"iLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjo"
		"idXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDA"
		"wfQ."},
	{false, "alg none, a signature",
		"key-1/@@/eyJhbGciOiJub25lIn0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjE"
		"iLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjo"
		"idXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDA"
		"wfQ.CqESI9u9uhvMzc4n3VpS2R0c5OdocpzymVmgIUXtXqJ4bpKM2ZfvBGhLShK8"
		"KCBoexomFqiYvSj7OCIUsijUERm3NMPSaIN2nFSscTbjwDcLMFOdgS0f9vYo6Ql5"
		"j560VhYHBMo-iznOcOsGM8cHFbbrL4P6LtYU2k1dNw5--V5PDrXPU5IZHwLMPe6x"
		"nJo2kqnvrgwJRntFMN43SRD3ZvCwhAyQ2N3MCUqdkummNCOysvJqL4QpFJjL-ecz"
		"QqmVD07r9Y_2ccnFXEqcT_vPJDa9V-u1WJX-MRuDAqlbAKhZviqPx8P9P6baVSDA"
		"zc45TTlrxt9uLsvhd2j6hxAt8A"},
	{false, "alg None",
		"key-1/@@/eyJhbGciOiJOb25lIn0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjE"
		"iLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjo"
		"idXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDA"
		"wfQ."},
	{false, "HS256 with the public key as its secret",
		"key-1/@@/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.bFlnq0qhkmkZqbZdmFriySpjuO9EUSBSDWhXAAM_Xq8"},
	{false, "RS256 said, HMAC with the public key made",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.GTj3Q2K5HRKMAYzvqmgblhGOXiHFWBR4zKvADNFDvD4"},
	{false, "RS512",
		"key-1/@@/eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.XSaROXkEF_rB9483_rh-xsJkhXuK3n8T6DHfV2Ws_lF"
		"32QwvIMGrgyfTaOUNJnYrErWiy3MuEmdK0RsRCmyGlbo6mffcW6wIIwdfAHpvT4I"
		"TlbbCIou7jrF9DFDMZX9AH_JSiaMruiwYJGaGQ0liyTjRKmmUFswrkf5c1xu3Ma8"
		"H7FBKVSqAT4ZcRQWAc3271qJt2nS9ZesSlzdNpYfHW3Mlgt0sCw4YTSWefpq_AxE"
		"QhP8QOWWLtIgQUBPXEWwzFG9AdkBUCgzV0TOD9eQgkWDRcrMLVTOJXGg-b64YlWb"
		"jB3lfz7UMphvIRWmY1Jthv0vgMeYr4nPyAuw1M854ug"},
	{false, "RS256 said, SHA-1 made",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.guKnYkQv4otBJpWmZX8E2ZRDSy7-Q45F-jCwZJkyOGp"
		"F-L0m3pcSdaXd-K_9n56llnZxmybprJFZFfitRPNdZFM8mEDUeHSL8AlywCSqGuL"
		"YF0426o3bRY_6goK-8XFtQJ7KvHQy1VTmwOwNXMoOQBwsP9bEEQcku7BAr63W-uq"
		"cuCzElt65cmMn-GVdQ4IlNlnUxNSZVjJn_CpiLdNSlN-vGwo6ogd3nTmR9-ZAiJY"
		"7KbF4sPBJr8g8wN8ub8y9CYu3pW-YwH1ISD8anhErtoU0RG5P8zUHcvqZOfNirKI"
		"7ONkC63FsNgerjajvfmPVVxMg-meTbus79ID8mBCNEA"},
	{false, "RS256 said, SHA-512 made",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.nvblE2hn7JNZDds6gnVRb1qb6kcI_psc0rkrg_15LrX"
		"_HvjYv22zrXmiBk113a84i7kzBH42MhduPneWX9V4mY8i3YrjrPc8zLWs7OO4haC"
		"Z4-F4mrXkQCm-KWu0o_W2bKMuD1E40kRMFJqrQ25fM1uXilYFBX58sKlNURhlYYO"
		"m_3PnlTHxhYNhkVOidLe8YNlL-Fy2Bz5wIEBJcz3wAwya3WsR9HGIKQTIFWM7dZr"
		"mBLj6aIpSuH-KbTWsjO7YPYcMNCsakgNql2EaqsZZBPTC787OzoUysPmrXMoMO_Q"
		"XxPmVWX-qaGDWaPlwHn-yvQQDGvdkqIZfeLNYUoC20w"},
	{false, "PS256",
		"key-1/@@/eyJhbGciOiJQUzI1NiJ9.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudj"
		"EiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIj"
		"oidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMD"
		"AwfQ.FQMuyx0pGedJQJlkCdj1Yi73JzICtojvgMjAriJsKiYXMNeinygiKpqAClZ"
		"Rp0XSYybFL6u5GTm0jbRk5ZsRUlCNNwsLskt_56fzaDqp1i9XT3nMDnRgo7F-63_"
		"nN3dvB1xGSbEL1UVp97xvh2TQUgyjl3zd_Su8NO_m2vs8Fzn-DeweRUWNBuwhizS"
		"nn4kc9sEczdFWbNQiYEL8u5ykqZjm2MkBusW9hYLhdC3fPyaSZciOuErmDRu1u-k"
		"004wPu6sXewWasw88OMYxei4y1BCgZAS0NofI8nb7ube1CbMd33eXVTqEMl0AkjB"
		"J0dgGj1Q0cfXAfNir8xrty_rRcA"},
	{false, "RS256 said, PSS made",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.tPOPGUVKEgesF8oAsQBlG6_TZCbL4NpqOT4TuNUni0F"
		"sRqGq6K11Oc91atCDX6u_EIoqlvIbDRqxPURD2W2NZNrWE-pYhnTPr3LBBZ2dYMg"
		"lUbcnHw00E4gd58mMgas0VdDdwXFEPlUIaCsRhLlYPwIhktDTShe4qrXx43GU4FO"
		"s1tyPngjqpB4Va0YElhsLqJuxi-bGSCbwn406cIXncprpGD3XNicDLUDNUHshV_F"
		"H-nyrp1SzlC-8JxdY1OO5MJ_sYfpfJj4HQ_YLaRcgtpydQxtXw2kMTTNT3g9emY8"
		"lcbXp04HKvbcJLV5ouv2K79fQ-3u5cATWuLmCwCHMtg"},
	{false, "lower case rs256",
		"key-1/@@/eyJhbGciOiJyczI1NiJ9.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudj"
		"EiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIj"
		"oidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMD"
		"AwfQ.W8W_9qs8B3laR-ugxAu0U1hvOXewhKYwd8WVFykOom1HLTR2osf69NsBWJO"
		"x6Dvke9HMhjcukY0zsM4vGC-PMeoQ5ZGr-DjUPrhOb4nzG8amKXK2acsRBqpeAFW"
		"0AQayFp3Cpql4PqiSayuEGQAqq4eEGEboaT75K8OuzBgvjttawq2BRpxE7sWJrTN"
		"A5yxUSR7BIVZ5W29RxXmqhYTPjY05Lm44XlGLzMAr_KgDR__-SD1gjXqRpJiR3W6"
		"lkupyFWjSZ31HjE60-P3tN02a_sMvU-TxiEcUIw05E9UiEFDcUjlpUA9RoQ1WRtz"
		"2rmD_SEh0uwIAAwX-a2GINC8kCg"},
	{false, "no alg",
		"key-1/@@/eyJ0eXAiOiJKV1QifQ.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEi"
		"LCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoi"
		"dXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAw"
		"fQ.lL7hlSSmKOo3Jp1T7LTWptLUgpkCxqwfA2yDQ1itBtYznXue4Zln1d86DV6T_"
		"tcNXalRLO6fRhL2kmq03kXoopdWA85C1SNo19MgbZtxtxugamEC8UqSlnvbt8n2h"
		"qdun4kMFOEJM4jVF935vK3vIVvJZLr0zaeFPGJms_wFUd_RtWk2KYAqLAoVPdpeL"
		"YAcCL4YDExJpNULTEcAM6ch_CY4g12tH-aNQ1OReSnTUyN9JlhJphQToB4hUmOgo"
		"QPhc5fB4Hh56UyYZicSEoQF0xX2NialJt_Pfpj9eWfXzli1tVrrea1mhnBomqwtP"
		"1CkEQoketjUgVHqjLY52-a4tA"},
	{false, "alg a number",
		"key-1/@@/eyJhbGciOjI1Nn0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJ"
		"pYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXN"
		"lci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ."
		"hp043qTGZ3shypfwu1o67OX5R-1hqDu_6Axbxqtbg0OgyOOv060AimmKiZNR0ZLN"
		"hGnEo1cGmwkyimFL1daUVuCEtsEj5jhCZofd4UTVInKfYTSEPx4JS3SnVPPd3e_g"
		"roNSUpLIP4fzxJHC6TXsZedozEWt_X6sn_T41ajCfaw8DJFRKhEoxXaU0O5092rG"
		"HR8HD1zEzq9Ro16T0iMaI4SnIL2qLcP-5RcIs2d_0aTvsf_q5DMPzD9EKHZtUKyU"
		"H2bJSpWlGC7ck2ePK_mYEl0Ljo72FZqPqYDsydi7qkmmS28PJ8o5uIwvjTHs4INf"
		"z-I6oPBy_BdgO4yRY_3tyA"},
	{false, "another key",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.okfWWNU3_WHwdyeWkHJLoC-mIQ--867HRzYl5Et2JgP"
		"Er3veABp0BpwMplzr7H-bXFR-qe2NzJIT48sx-JgVdVS9GI2ySs_-FLX9YPDV4mm"
		"jMD3iOo9-F235S3dfhWYKjAbBxdgmpsrbfchI6LVwkEeDoL10FL3kfylKFhcmrBi"
		"bAjKYRhAl_UW_3k_Xon4fUKSXKxh_DwMzpjp4j5ri52DYllTxbNw2hFDifAlojK2"
		"IIht19PT2f4nUmp91Bnc11-nAhzadsHVA1gcTrnlK5Dy03wXn1op9gVd9VwnA2_Q"
		"sabexpqy7mGbEuip99P3G_FYZsvFoLfK3yHWpxPVZkg"},
	{false, "its own key in the header",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImp3ayI6eyJrdHkiOiJ"
		"SU0EifX0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDA"
		"wMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmV"
		"zaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.EN8N-Wb2mkmAJDKI"
		"tsYnp_-qzIeyctir3SrTrzQVdZgXA2XNgHXrj_x2FKDlILx4ipWT51Ih7RUdpjaX"
		"X0UBmSIkdhn0_-X0nc8GrGIi4qilkFYPahNfhMq3gAsLF-Me6w2ontJlR-rBooQs"
		"_16GB-X4_mcgH-egbJbiJna1hOorkKnmyoN6_GrBYJFw0_YwY2Y9lw5pRifofwSJ"
		"_o9KE54a6ya_1h6O2R0g0ih1E6FYEEEoCs7THZexk2BPSKqBh0xvdolzlD3ON26o"
		"DhrHdm3NyYqk2Aqa7Dzfk5EVPKVjFjTj_ln8hko2edLvrJoPvzj6teeH4TiWBtou"
		"GCacVg"},
	{false, "crit",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImNyaXQiOlsiZXhwIl1"
		"9.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMD"
		"AsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6Mz"
		"YwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.C3qAMfnKXI1f5AYLJgpDQst"
		"OKB0BxQQZ3helQuYjXnJb9yE8sbTgz-0KcBPMf9oiSI1tjrVG4d72cDpPmFZEb6K"
		"WukQ9RNONADIfE-W_KLoiomfx5AOgvhViKeFJSnfgfrnqLFoSk2OVZpfGR2nI3Vc"
		"VeP1VT_B9UEm1VzHeXIFkBWLuZfHd2rIChtnKG3hyMyKdgcSU_LT3KLiwD5LvdPF"
		"3UY8jhws_rcZbZ3FAkgTUeaqNL_QBOXHov5sKeDNlKsZOHjQJUmcsHeAm94BC8gs"
		"3RWuvd7y3I1AGKrplL_-PLj3_iP-AzhPiHwHC3WqYnkTWsLSEbVZW1p7iXSjfUg"},
	{false, "b64 false",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImI2NCI6ZmFsc2UsImN"
		"yaXQiOlsiYjY0Il19.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJpYXQiOj"
		"E3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXNlci0xIi"
		"wicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.ck0Gcm-"
		"HWdge8Ayj8rTRFFzn645qcrP5utCdphihvEvXiFvJyYBRNRkYe7pZRwTRy8n5e3N"
		"9I6qrMHdaJPrseHa_g0VNx-KLGAVOPBJJhVMrjtsOIu-vFkya0HjSwG5HqTz6O7K"
		"UkchHIDQ5LPzn4otDMgyANRi13DYI8MWZPaBn-ETvf865ZjYz3oMsLMkIGt3YI03"
		"NF-__JBea5YjSohY_RrNLc6YQ3ln5BXtVMPiosfz-toti9WVtCk8L3MTPYXhFl2s"
		"Fn7Pqp5hBm9ZIkqiKmR5hP9fvCgV60IRCN_AGU_9Ydok147sTdnAj8MGD3oCOGvr"
		"5sza-wWsr7ZChmA"},
	{false, "x5u",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsIng1dSI6Imh0dHBzOi8"
		"vZXhhbXBsZS5jb20va2V5In0.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJ"
		"pYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXN"
		"lci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ."
		"Zw-2zwLciYfzJaGUTuCv1ytehMrGHw5K37PKGCM5XfptWZHckDdx--pP6CU-zYc3"
		"g-T1ONZDFS8b0ANsciofIPxav8RGfub1NEWWdrDpv1lW7Y8CgXCatksYFVbYm0OY"
		"HsKJeXJGtLi4O3NkhzXJQkUefZukAb1JoKIUnptKhTafcZnbHbT_bAAuN8mNFNHQ"
		"Eu7PAkHajDle8ie4GxeDg2RBtdlxEtELZ1WbUbW98zf0u2zghcPeWpv_BycsE1AD"
		"A5Pccp4j3vLgPjXJgh_WCsEQz4nMtmn2pTn_PfHgn2pHRMirRaSiAHog6VXJHyhg"
		"1O8pqEcNjC_UMRRxgCtl5w"},
	{false, "jku",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImprdSI6Imh0dHBzOi8"
		"vZXhhbXBsZS5jb20va2V5cyJ9.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLC"
		"JpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidX"
		"Nlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ"
		".DpuHAthniSXS2CgQLp_g03wx8fi8j2GGHH-GechvbW8GgPj9JbYW5j-rM2I4VHF"
		"tZwMz6IzSVfKG0uxWZcsKNjLMUBKulhaogTH9XzYTr8yC0kKNXIZikyscVn6pD6X"
		"7U948PBVzUwqVuPCUm_zG8vSncaHG4cBnUwMn1M6EbsRI1wKOYhonX-HePsZxTOI"
		"PMb9aI4HvPDWO9nKDiKMbuimyeXUORuPqaMB1zh3yS95lllJ9CczNNJ_h0DC0ELh"
		"fzTNzeD81wZze67o4C4fNHIYxVuQM3tvIyJW0OAUkv7SwIgkahHgjCCc-FZBRE2r"
		"sl9bHLo04z4H-aB-yYRV32w"},
	{false, "a truncated signature",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2db"},
	{false, "a signature of no bytes",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ."},
	{false, "a longer signature",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0AAAAA"},
	{false, "a leading zero byte in the signature",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.ADdoSPIUVKFinNsZHhBbSnK4lauzL2DhECK15X0r8wp"
		"sDgIeeydSf-PalBWvKTMlw-1SMCr8Vi_YLBu-JFOJvOMNtHABEyvsGDMUwvTAZb1"
		"Ig-c2JbxIBjzbpascumzI2MK3pvtp0pqxfib8o9x1Wg2Z7WhjcTebzppOnQPG_KD"
		"gWPdX6cc0Car14Ws_W3fJ4W2YBHD_0NgXk0VkH6yD5EJUzqyiX5WM_oJ7F4p3GBZ"
		"-Er0lLpkG7v2buBR5EqcFLAPeSsn4vQgfth8wO9T-1VO8ePIX28xGHa9o0VjgKLI"
		"NwKtqJDCxUzkOgobXFYJUz0XlF0RpTbx_kZFL9nW3Q9A"},
	{false, "a changed signature",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReAXRGlNvH-RkUv2dbdD0A"},
	{false, "a changed payload",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOAJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{false, "another payload under the signature",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoiYWRtaW4iLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcmUiOj"
		"E3ODA2MDQ4MDAwMDB9.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmwOA"
		"h57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUiD5"
		"zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOBY9"
		"1fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4Sv"
		"SUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3Aq"
		"2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{false, "four parts",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A.x"},
	{false, "an empty fourth part",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A."},
	{false, "two parts",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ"},
	{false, "an empty header",
		"key-1/@@/.eyJhbGciOiJSUzI1NiIsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMD"
		"AwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcm"
		"VzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xk"
		"eEFtKcriVq7MvYOEQIrXlfSvzCmwOAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74"
		"kU4m84w20cAETK-wYMxTC9MBlvUiD5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvy"
		"j3HVaDZntaGNxN5vOmk6dA8b8oOBY91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQ"
		"frIPkQlTOrKJflYz-gnsXincYFn4SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA"
		"71P7VU7x48hfbzEYdr2jRWOAosg3Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv"
		"2dbdD0A"},
	{false, "padded base64",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A=="},
	{false, "plain base64",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J/49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK+wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem+2nSmrF+Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP/Q2BeTRWQfrIPkQlTOrKJflYz+gnsXincYFn4"
		"SvSUumQbu/Zu4FHkSpwUsA95Kyfi9CB+2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH+RkUv2dbdD0A"},
	{false, "bits that encode nothing",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0B"},
	{false, "a space inside",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-Rk Uv2dbdD0A"},
	{false, "a line end after it",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmw"
		"OAh57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUi"
		"D5zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOB"
		"Y91fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4"
		"SvSUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3"
		"Aq2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A\n"},
	{false, "a member twice",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwidWlkIjoiYWRtaW4tMSIsInJlZnJlc2giOj"
		"M2MDAwMDAsImV4cGlyZSI6MTc4MDYwNDgwMDAwMH0.Q7YCQzDalK-AxZ-sx3GAf1"
		"j3Dli8LpK3WIz8YiyqohaW-4dmnxUQGcbWzssu4Jecv_dsWLePWe0FqjQLn0xsmn"
		"_BOvWfi1gO39M6BQnR8a1_3MiCX6Vr9nB85KbgP1tiNjHDEQAn337be_sQ7IOIv4"
		"s5zDq0FvojJGdHx5qigS1jOB-rcTLIfaVwb9Vd7Za9aFHAsQAc1euJvlzWVk3WVA"
		"zEL6kZDd7Cy5Dq9-ff8Ggevp4ehYf0wg377WZc96igdvrEWif95V3PxgbeltHfn1"
		"Cw5DMxeelnec-no5xzGgavOmMkbePCflbOb-hHt3cVHQIwcFZ_nbLwIwp9tGo02w"},
	{false, "alg twice",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsImFsZyI6Im5vbmUifQ.eyJhbGciOiJSUzI1"
		"NiIsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAw"
		"MDYwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJl"
		"IjoxNzgwNjA0ODAwMDAwfQ.Nm7DcVohruIYsNuOgIzTdaTsBVcj1nvoVTdlL9GUr"
		"1RrqoECa_kzOBnq597_UHQ2AkcN1Ujw9ep4YtSVF3odePp6ly2XKnb0Veqz1glP7"
		"MfTL0y4eEPVL-_EJbFnBi0_VA054oJDCgvRAVVvtrO-NaYR6XDCJlHyy_9ofvOqI"
		"7O7iV13UoFLIiPOthfkp1fAmMwrEBkklu-BNNurPo81GChLjusm0FNslG2gxyNxn"
		"HGqTvdqjs9vCWeMLeGJ1771g8nhFkZZkuc0mqO9ssdwQBSIZFHIcj5CJM6Gn58rA"
		"PTXjLd-Og_Uh6UAqVFKhEV5i2CcDfwCH_HECoiEsFs1MQ"},
	{false, "a payload that is no object",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.WyJSUzI1NiJd.kNcRF"
		"EiGDXfRI7O3wp9k3Y_a337E1yO2leBddA9lQ09yBtbt5LAqWSgN3sdPQ6Y6Ds5cR"
		"n4d1-6osxhWcSG8y2Yo6Qp5wA9vA5qSvqpOKFnS_sjbofFfA073Zl3xgc_Zp4FSi"
		"T_08nid9IkdDFcnattKT2XfOEF91gp8gDaCXm3hCKciuqjfs6cpqpzE4oRUd9GIq"
		"Jp-VebGJbwEW9-Pbh82JX-mG-ccjv5rA2WJ__nFgESSp3L-AVjPH9xtidQxeRiql"
		"W6yiIJB19OQWx66O6jfUfMJYLaforbP61lJjR5uuLEbXNd2lcN7EPx8rS5EtjX_I"
		"CS664DIOu_zMIs6Hw"},
	{false, "a payload that is no JSON",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.ew.xGCmazxyPRY7I_X"
		"_GkTjTCDcM81VVQdL3ETShDl6cKoWVZgOTe8VJ--KYe2ExLkufgECo600YqCo159"
		"LPf8Hps8K_jd1x_YcC6-a2QO8OxTTJPQrZB7pFPATK-e1Dl7Y2oodUufhkCErYcw"
		"cir2Z3-7dQA_4eE4smtYWSFe31G5fTn3NfiVsKQhCEPOB_XvPGywglTOhirBQkUP"
		"VqDn9Hh96zXlEaeuF-NHspyZKDN-MSCFRpfRgDBLDGle4xftmamGoprT_9fbMjtD"
		"-6FbzRtW6yvK3nR4mMB3Xr0FjHIj2IsZ_SW222y2IseGzcBGaYQNjKG7bIKGD8ij"
		"FbC6UKg"},
	{false, "text after the payload",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfXt9.KNH8kXHRPlHjsaGObtXpbDLWQyC3_D74fsj5YkkwV"
		"HuTm_FoZoTvAMLa13KyrEoyYQgu5TPbDz8FY3Fy4MCVLzI_6RMr6f9cz0XRVfoH9"
		"RL5onIuno5tmWPzLGQwpcjQ1fO7DSZT15Em47eD-xXwRqjhNCdG_wfvYCalrzPOF"
		"cYyPLHzTDNaVptDmv6D49kwEPp4a5VzBJvf2ahhazxjHfcjoYvuvQjEnEo78GA_y"
		"rYaOqTooPKCPpbvhWgRhlpervPEKfnK6ARstRj80DQjxdWjrch-RYLeO8NWZzAAC"
		"E2AwqW_Svbm5795--D0lErxsRW0ZOKbceTWRTzmYAXNSA"},
	{false, "expired",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3Nzk5OTkzMDAwMDAsImV4cCI6MTc3OTk5OT"
		"kwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.t0-R84IjH0s3QRXnJ9YzZXAoWUGCl9eCoR9fqge4vd8"
		"Q_L7K63oqqQO4jf6bSKWuD_K-7DxLkN-LH7YZiE5SycDsdpPpY5P8v4BWoQb8vYL"
		"iIroUmqeNiLZz7fTnmYpl6kp3E4dyFIKmVgNebVQQPn-oIF6H8L8PtLwnVxZIH3M"
		"6HUdYTK4rGVD_1yH_cdB2Kmj3vxNlmZko2QGoLdG3UjXw5V2K-Cpco1DA9mjAtwP"
		"pwvitcOM3esHFpmbVGrHGTaymzhGaPupmY0_NfLjrMy4EMgH3bd5S5n7QHwq-NdH"
		"N533lNzWinV6fIGRCiMjVwmTZCe8ntPqtrxDkg46mhQ"},
	{false, "expires now",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"AwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.FngUtG32YFuD_1wDfeMW4W9s679yBUdEcSWq9_JI5Ld"
		"n0Us15LsPO-eUrH2eWbzMWz6eYT7U1TdmO06kY9UTo29EXwZwY5ezoMUEOE7g1V3"
		"bFeTIpaI1Pvd1xt4guwJKQFoxNsTstiTABZ4hD53BTAhdU8Cjwt33CAScf99lps2"
		"xf56hEKh3FQt_W22W-enlfB3rOo80bXuqcryK0mNWpEZnj-N0KfOH1tSfn10mbRy"
		"VwIkAorjIAqJ11zAsobddOO337Kb595-wSvUKIdLlashmMaApZRJZnSif4um7a9X"
		"ZykgeRqqyhR4qyG-WeECuLT99I5be3iQQTB58djkGPA"},
	{false, "exp in seconds",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMC"
		"widWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNj"
		"A0ODAwMDAwfQ.bcwRn1ImNcib2Nd4afJsoMkzmjLBHBDqxQKB0Qpca1fnymVpSsh"
		"VRLR8Q-UTyLQB-dYfZTUy5UdQP3wn5yBeRLTYmPQMho7MtJ5b12Nr9NH3cNSLq_3"
		"h6PZhzyD3L2MYHCxcJNsWmGI3yhdYZl-p6LlnnnBY-9SvKu7gUbonSnzonIojoVG"
		"vJLRMsdVHRjb8w93bEEmoaPCUBOgNiEzeaTiIMYjpAbdwZHrVZ6u2U5sQ30oG90q"
		"YGfC-iK-I29PeQM9VfOv1vdirro1oTg5FcH4KL1nXhZx0oxYB0tpI230Qt2n7jNa"
		"PU5Dl-IzYbTHeOK-V4pjCA7Y0oIA6eQc2kw"},
	{false, "exp a text",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6IjE3ODAwMD"
		"A2MDAwMDAiLCJ1aWQiOiJ1c2VyLTEiLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcm"
		"UiOjE3ODA2MDQ4MDAwMDB9.nutjr3IRuVdCjl14CNOZ-pNPl-hbAGIPNaTa8Zhqk"
		"c2T3PrwOpp3IF6EUAQhL0QX1cuWvnJBX00CcIaibpWO664bTaoqtcqtH-stK_XvQ"
		"6gX8VGj3_SwS7ETYMWokGWadYGInO9mAIGNF83ZTl90yj9JPbg-PzziXosvE1Kxx"
		"_DA9g76E7YV-0GeuClCcK4vlstXFepl9iDT8HbHDZBXJdnQUSHC_OX9yIO476TjG"
		"qBcJg1xdIvYWPn9MdMcKfPFwhO39I1CqpYqX7dXrwVOCI99siye_ee3br5StDbPo"
		"Plq17OChNW9Py6khA-Tz0RaDieYsBa-ZtVNDt4y1wo6vw"},
	{false, "exp a fraction",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMC41LCJ1aWQiOiJ1c2VyLTEiLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcm"
		"UiOjE3ODA2MDQ4MDAwMDB9.wvmgNBA1lujQfQ3_2Mgmt7e19PiFpSFgw2HHhwTgs"
		"K1fZX9AfYwe4JHKC2pP4DD2dloFBstEr36oSbgHfeUVS3nCKuiqyIbRTB111yQNK"
		"q8qQu2ozGdK1IQcVn94PAFbCUeRlFb1G25xNCibApIERCW0q5l4yIFCE33c9gCQq"
		"DHmgEQdV4LjomVlUHHTb-BTzWqklHDcqYI6NguQG68igGgSZCg1UknOIPG0SMEVj"
		"75xmmBLUmEtGPhJxVxKZJLfC5DKoN5PoWVPEKIu3sA6l0d1hp0DdK_GmwaL2xTV9"
		"I9QMMupPtQTy-VuPP5d6U71oqQYzl2XfHvOhDs2aQMFYw"},
	{false, "exp a huge number",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MWU0MDAsIn"
		"VpZCI6InVzZXItMSIsInJlZnJlc2giOjM2MDAwMDAsImV4cGlyZSI6MTc4MDYwND"
		"gwMDAwMH0.fKZibMh78YSmlSwNFXZT1ifCCOOXEjfbUet3pjSa9ooPdZHitJ7-I1"
		"jSJUOhyzyT_SLyOQk1kH2wN5IARyLi6eu3jve9s4W0D8WuJRLZ4_D5vPaREtSLki"
		"Rb2xe23U9IYjU8eVwcDPCMRfDsAsHR3ZjR0I9hgmaedlxgZBdVI0aThPf_Dc9ZVy"
		"3pyuZQGsUXsRBgJPGihq83T24v4zCTU50hRi1ZceYfrQfzNSWzMKlUiJtuytRPWv"
		"AYlBuIUIFx9poNTuQfy-xtpwJ1AfrWaoq088eY8Yo3vSE55ugOi5bgaD5TeT7KU9"
		"fDNXaXQ8gTCDKIF82AFciutLbIyIxK0g"},
	{false, "exp beyond 64 bits",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6OTk5OTk5OT"
		"k5OTk5OTk5OTk5OTksInVpZCI6InVzZXItMSIsInJlZnJlc2giOjM2MDAwMDAsIm"
		"V4cGlyZSI6MTc4MDYwNDgwMDAwMH0.SJyLTt1k4I4sHHs_SUCozIwz3Ip0yV8TQi"
		"Jp0f2GHLFZgibKmHGVVEUgSiLETk0sq0wNKWFTMxDlBYNwBC84EHF73eiIY8tyj5"
		"csxYqJSnRzPde37e0GAFKMNUuKFd4SEeZIWl0dU5NQwzOtI08MjJNVcv5ltQv7UI"
		"Rrww2BJUTS2dFqDZOiwCJzwbykqLsOD49J0TiqPI9pXNjaxT4d3nBoWDnqe_QPO9"
		"xQxey2WdARG0Rj4Pz6nwUQ7VijqVFYRr1YIsuZPECl3UXN90j7_yVSc9iwm-PVPy"
		"fWasNcPPJ-Ir5DKdemZFFnkZPmb3aSALB6u8H7PqDbU8IHawIoRg"},
	{false, "exp negative",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6LTEsInVpZC"
		"I6InVzZXItMSIsInJlZnJlc2giOjM2MDAwMDAsImV4cGlyZSI6MTc4MDYwNDgwMD"
		"AwMH0.HDF6ugcRiDTKH5BeNR6fSFNxJdHj2dx0n-85w1gqlGOg1rv45dlsyqNJed"
		"o9pnmABv9FBNb2konu-nsP9E2s1loMEuEkw0l4DW4zot8iZXkavp86I_f9nF_HdL"
		"RZx-RI280v8OQcJNRFtiJXzTVkR5aHOaKF6t-k1Ywp9mM9bKrIGRapt65ZX2nwa0"
		"kBmM3VIuAbGvcdrP8k1uTKYsDh-5W69o2lb9AInSyRSvgWOvVmFCwSi7Td-HGaWd"
		"Z8ZavxgJkfDv-QUlx6tdcjxZpRg3ysVsJpp-xY-e7qc7g8QOolGjDmgGQBH26E9G"
		"lsUNLHkrpFbB6sC-uAbXo5nLsAUA"},
	{false, "exp null",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6bnVsbCwidW"
		"lkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0OD"
		"AwMDAwfQ.HcImwYAKxzzDDwlkAtGEFARVAoP8je5P99H1JxLPXSMMfiN4gg32CNU"
		"XC1aIz4u6LPrNsOozvu03VdbFPFrH6BQet-jXgHzprH3DWoy2z1jNy8n4PBvCQ42"
		"bteumZ5SrS87ZPA7XsBr0vBC_6u06nXfMiEyBtSbqw2hoyD4wWISpcqQ5UpXeuKc"
		"60NUEKLBJdrDYh8TimWMo7YLHkpUoPOgj_DH7x8SpjPVp7dtVggT6HH9SFPA9FSL"
		"fI-Fay-3l_eJH3Ux5iyTXDgrEmJ-LVWq0JZBVf6RhOMvb0ZzVrAEQKxcyxssnWzt"
		"IyLucbnC6HX9lu73TUzbycFjheKoNpQ"},
	{false, "no exp",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsInVpZCI6InVzZXItMS"
		"IsInJlZnJlc2giOjM2MDAwMDAsImV4cGlyZSI6MTc4MDYwNDgwMDAwMH0.tbiifh"
		"xa_cBJaIkG9mGCP6m8E96cRvCp6wUBxR4s93m1AiMQM_VpjT8MLEoUwm5cPhdNpa"
		"pcM4aF3EC_Z3gkvRr7-ByiJ5dM7aWxAkvz4Jmu4WYxMkpIx2OX3Om-Nc3FpI6wI2"
		"LoauhgJI0C-q1x8PwPqrNjc2DAJOkmBC5Osh795CpuWykPfaqrkkFRnewp2M4AUh"
		"5684v41XNLZA13JNsok_2KD9fj1CssGkBC_c1XWwykAdj2Ooo7-Ys_A_-h7D7Oum"
		"mNd2Y6WxBuVgX3AxBXIO6oNwi__PwNZjWSUNOYbvwpl0wIXV2M2P3jNlnP_KKMac"
		"535C8IZaxaxFYvqA"},
	{false, "no iat",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJleHAiOjE3ODAwMDA2MDAwMDAsInVpZCI6InVzZXItMS"
		"IsInJlZnJlc2giOjM2MDAwMDAsImV4cGlyZSI6MTc4MDYwNDgwMDAwMH0.OL78VC"
		"b23A6g6yspyz5_4ZGYYMJVLxgtOqKbPNmGL2Vj79mrC8F8DKfjTtK-yicyRAn7uX"
		"CtrEyQVpT-XqPs0_0_POjmKvbARwBBQ1-qvFGK5jTezy2SbLBPVWyiefBKXvf46O"
		"esydjdgmiehMdiAXXGvYosyeXHCA84DlHmwjhcyhUOtcHReUKixEezJFJbW4_FCR"
		"XSC86oW14TKbaMsoWJB9jNTJPuSOnGfsMytv44obmfskN8hLDr_PDSrtegEvYlqg"
		"LA3SIjtJmwMQXMqUutMdFlc2m4RN1np1MvC-DBppwJ9lI38KmFHjUOOLS-tvH9q4"
		"WobjafNenK7eUWwA"},
	{false, "of the future",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDA2MDAwMDAsImV4cCI6MTc4MDAwMT"
		"IwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.oM2Xrm-e1E36e8dABcKrxXlTDxD0BzDk4_QOBUWS9DX"
		"COCvfWXxdQzOh5Jh9DKcFDA_fFautNOZtnkajpIST53nEh6lIEGtE9RHkkT9leHj"
		"MwNdRIGBal7GUzH65PFH3Tpjc_95mkv6SEv3Yph-eX78O0AhfaQ70-OvBSDJgdxh"
		"Fmk8zkV6iUg-B07UqzrYedx1ZArJ95fKWlHGK1X53ewbpdD7IFGCvWZUvJE0Zy_B"
		"z6nrLzxANaFSs5J2uX1Sc6EgQxGSvc9MNsht5Gz99FUb-bfijLyR6rtWddewb95r"
		"roH6gZy2dgRmkpjlFPhiIyrraf4GYIEjLCaOBc-REKQ"},
	{false, "not before later",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwLCJuYmYiOjE3ODAwMDA2MDAwMDB9.GGCjMkJMTc8no35s2"
		"9523YYASOVst3cF_2qxb-_TgX5Up3ZdbVCwrhH8HXCUMwtmojb7fn7WTugVqm-lC"
		"EiMNlvZeDoawCROvEp_1FmPUTnS61vYzk6Dhn3HIlHytQyzUqqMUAhEkyCk9a5W9"
		"N6oHZLUx2V0BI9fgqwREwhPCUEBPEuGkBGxMBwN3LodDZGR5eybK1zUxw1d3BHMq"
		"0d3UFJ-O4hfe7xvgzE5yNz_FmbyVbvKZj1zZzdDdwj3_1oe0004dc2ETsStuR1H3"
		"aLT4OXqh4KjLBjWMkxGhGgQTOsbAaEJOWL36a5ZGtqzXG8_JTDbOu1XYTcDFPzlL"
		"v5LcA"},
	{false, "good for two days",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDE3Mj"
		"gwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.MbhURYxaRrRzh7lA7R-iq-zFwc01K_KAn5EirF-qdn6"
		"8uvomUGSWO1U0xu0Z8PogiA_o-mTo3u8v2x2kgI0U-qGiZ9mRpy3yvAFHPpIf5Z8"
		"IKvQelJgyz6KBqjs-Xp47aWhw_6ZL3wxp1s6z8mD_0DYn2xkbsCH2pMLuZ2ls1P0"
		"TXdlTwj73RbLuZBaOSVpmjcqal1aIIn04QH9-ROg_CIW9xHpOtJme2_WGv3fZOoN"
		"v64uE4GOs5NW5wqYou0oGtywIuZkuDieb8BlP3IcLAuFGynFlYSgi--P-kwh_a3Y"
		"4nBkse7JF5r8izDCVt4CCtvD_tZ5LPItRgf-mxtbZ8A"},
	{false, "a login that has ended",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzc5OTk5OTk5OTk5fQ.liPdM2aSpaRxAIY-7aRL-8SehHbmU3JvnSnEcuZcHqm"
		"qH0PkF33yXy6HdiaYI8WuLpH-UskHB2-xPcJgOCVfAOMqhIc03IhOFK4MBaivHZO"
		"s0xKH4iRhrr-DbXaac6zoBbz8z5uLKl8P_G5-ZnC4JR_jI1dtWeh52c1LHHkUpMD"
		"0dpIhTSsEHM72jhdmjgWUoh-U2HqqSjYgK2ms7-xbKPI9Lh2H-lRx0vinSFvGqOj"
		"6_kQ_Rsy2Zu4U-IFrSZuatT0hXSA7q-v40DyDFyGiAyzr78MKezCBQzcpv3nmtbe"
		"d0pxIvA1gSww4mjN5EgQZaOpb0Bif3uTmKtrnx4f-Xw"},
	{false, "a login that ends at a text",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oibmV2ZXIifQ.wk5tC85ep5jomi9RbMKu743iVNw6-YSgHmhuE-PM5EtI68Opm48"
		"lWjB8TJGk2P3RfsyaJsUXM8vGdfxTZ4gfHgI-EDFxJV6rBYz9AsrIp4A70ukvb0E"
		"WfU5NlEhUxDLV5Jxk7xjyE9M-T1trq6lIo7mKk1mR9ca_pxmC709CHb0ivCLGcQW"
		"AN7ITYUZ3hB864YXV4jBk1atkni-dW66cKtPfsYacj73qWLdST8xOie7s-OzXoN0"
		"H-CHdkKPBYwoEvmuyCZXj4mwsTqZoPU34B_c2agRSUpPHOAr0d8HDahIzCWZ67_P"
		"IQjpMrFdsXrITUXcBUciZdKicYyNZqgWe4A"},
	{false, "another env",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjIiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.WFCLthPCtaPKKB2CjdFcYFzSr5R18lu1TyN7kpAzUUP"
		"v16WMnrW9BfMR0owh5o9KFvnkQpWX89N6tI1KLvht42ONVulkpSKwmcn16TBrvbc"
		"7lEalNRBiAwN_0wvrCmtFnxjIURHfHJninKEBz4ugi_I8um90_xXK_71bPvV3cTI"
		"i6rNjQcmmdA01jaJygSVN72hwfoc4MmApySHa68KFVeQmNBVcQxF335PmAXE6R5n"
		"cRG_ECHgHg4SC-buEEvEpxpyB-IHGl95NRhIPhSDMRKr9zEJjpxX_n_0q8T3E_Ma"
		"zWBzMDLLLXKGxRRuUc54iREY6D3dfLcXGE4YtqYIDLA"},
	{false, "no env",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImlhdCI6MTc4MDAwMDAwMDAwMCwiZXhwIjoxNzgwMDAwNjAwMDAwLCJ1aWQiOi"
		"J1c2VyLTEiLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcmUiOjE3ODA2MDQ4MDAwMD"
		"B9.CKu6TX8jcfJmvYVcStqIz3qcSsUfbQwjHd6mBL2ljFKn492z6gIINCDp2q0Tx"
		"Co27BcTI0fUXXykA7mx8TIuHQbAfnak-OW_fIAI0uciPexK8FM4thFgopLOYvmd7"
		"R5kJCMty9i98Oh0IIZbfLbR9_tkoByjMZl_kxNiOuh_C6xrLHBwnt91gQAPC05sT"
		"_9BSwQMrHAAZxxVIPAqlPvtHZlQpUgZmueypwEhlhgShl12XaNMqCLu3NNk5Pp6X"
		"0PK1X-lAB9kJ6MBrCnK8abXg_WatIGLGZUzKWszQZMoxmDNqPo380JOQlDCwu5T_"
		"dUkPLQO-0L_o1u6SM3T8Sm-hQ"},
	{false, "env a list",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6WyJlbnYxIl0sImlhdCI6MTc4MDAwMDAwMDAwMCwiZXhwIjoxNzgwMD"
		"AwNjAwMDAwLCJ1aWQiOiJ1c2VyLTEiLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcm"
		"UiOjE3ODA2MDQ4MDAwMDB9.EtzYIm1Z7rQhLNbBsu4CQUbxROY0jD36dXuh5dHaO"
		"ZUol6R6XQS4S4bddIz64vaxQ7PUnpjPUnRMRDpdI5mTMnXoQWPCpvOycfyMtLlGS"
		"sBJ2druhajhDBBSCzGM8J03_BamNwafKEgg9D_pDuISI4MdAqm_L1OFBAimBL__J"
		"LHiEopd4PSGW7DyGy6y6bfFC104BL5EEMpDN-rR-am632wwIspj96HzPUqvW0OSY"
		"EAuZJj8PTej2eIZxm_8rrN360yZt0xulLuzoHwR-ekUouC6o-FvK-tHUAg3JIRf5"
		"S17a43Pxf_XNFaNdePJ970qpdDzy5DAA3h_bnOJVCPVEQ"},
	{false, "another alg inside",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJub25lIi"
		"wiZW52IjoiZW52MSIsImlhdCI6MTc4MDAwMDAwMDAwMCwiZXhwIjoxNzgwMDAwNj"
		"AwMDAwLCJ1aWQiOiJ1c2VyLTEiLCJyZWZyZXNoIjozNjAwMDAwLCJleHBpcmUiOj"
		"E3ODA2MDQ4MDAwMDB9.RZYdiAjyJDSfscQO9XCV-1nUZ8alZCz0k_mlXWQz9U8Qj"
		"OdB6ONX0XYjULws0CnzgjBvx4068G-qqi6U0atHtl4StloBHppCD_FqSjRwTtJsV"
		"yA5lFL25TRjoCreIAPX40Pox3-0H0IOcV1oMmN3SGaDjCXH8HZ81mW7g7dg0UHUb"
		"EG6QEXxOC_rzgRTU_KrULYRSGQpqQfoPf_CCqqq7EkH3aavE6z8WmPqR2AMsowf_"
		"QoeqdP8oa2PxGAnkTqz3rl8SZtWQbzalKk2fA1OHpahqg962Je2_3KuS-kMJtUjv"
		"1k7nrdwJPHr2SmR7BDKN765QasSUx8pWNRUN9cFxQ"},
	{false, "no uid",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ"
		".LeWWCoKacDxIu3Lozm6bU7qgBvLBT6Tov8HmmGHPLzVuo9fvtKsHG-NL7fr4IbJ"
		"IQzfBBMSLHk-4CLO2kEDi6-359caZeQPbbPRaQaglvhhLGOU6BtQjzAdpQRNCMrl"
		"AQJMOxh-JvdI7Q0jo56LdEM-EU1_tZOmtJ5G1MSsp7UJHy8tPzbwGDds6D8h9Uu5"
		"vl-YkU0SSvD38pFmfqMMmoe6M4w_Xsl1Uo-jwIx25UVdSKM1gZ_heFbpSdRkvUow"
		"7nh_6Puu-ijSb3v0Q6rA3TqLRRN-Rb5ZTinpCiyMMnSdQnI8zmj7ogWBeb0S08X6"
		"EdqjKQEpfU3JanTbyZODmYg"},
	{false, "a short uid",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoiYWJjIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNz"
		"gwNjA0ODAwMDAwfQ.kqK1qH_MA5zPDmKYmhOudw8gd9bhgAlsGGdL0Z0PxMgXOGr"
		"GP2JeIMZIzEhGJEkarENyPzY_Yk804RaSDPZpAkX8V3ewTeOmHc6W0EtKrepr6V9"
		"nbXee5KWnu9oqLg8rilkjsjmxtoe50RVEZGTGgqH5M2OdAzzhUPXc0DzQ8EehliJ"
		"qjTW69Gf2ge0KKw7oQe-xRTAFDdF2VQy-CcwxteccayYxpWCc4R9Uwd13Jv2vmWo"
		"D52wXYEzTnijA346btiUAbuI-TgoG3rcrUzaHuFPUcTm8iSISXZYYRRDWrkL0f8L"
		"1cVC2w6NtEw9tJtr-wU8_vjm8i2cALqKCd5f97g"},
	{false, "a long uid",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoieHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4Ii"
		"wicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzgwNjA0ODAwMDAwfQ.OpCMjbB"
		"VEQP1HMc5UXzfV9TA6w6zD-EDHzbks7dGbzhjONhica_LcMzS_YzxpqMmlOf9rRf"
		"uDcWU6WkOz8hmZbdRnHRaDKObwecPoEGpcXsBmOYVlzNPcRd3PPjojNH1uB4Q-Pi"
		"IoJTjTVDf4FV1YwGA7wPIWzeAeL-YO1LDZj4ldFpH3iT-6ShLMu6lk2LaQuPuzrU"
		"ewK0qtPvPEJAn2u7y4dXe-UTSRiqlpyh6kYk0mbHNRXku-ueHKnTTH1VOHcwM33O"
		"T1ybUTmHEOUQrC2ylJ4Ifh0AcaTv-xpENBREv1I0Ip1mt4TJTuF-foLv4L6xHKUF"
		"_KUgnLLh7f04Ukw"},
	{false, "a uid with a space",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlciAxIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIj"
		"oxNzgwNjA0ODAwMDAwfQ.GUrHfordml9wDyr_kvTDp_QopN0fZXO5r37E4cUUQue"
		"Mh-xA820IctYTttNVTrruQ8BNVnrJnBr9WzhrjV18Jzu_ZtjoaqS5QJIvoiPmNYM"
		"1JsY0EWnj_SE9PwctNGZlRhQ26lSHK6V24zBbq-1RLg3H9mej6CfP0cQ6ZcYMTM_"
		"s5CkGhkMy0Dsx3xnGRNMlMke0k-Xi5reIzwlGlaZA_t-n1dS34T3uJWnIkJFtJCm"
		"VFh5LGiHZPeybuKwMHMwlQUyVhr0UdsEWRrFwo8i3TMo3qKh6iKf9IEneO52OYcj"
		"CZvGonTPFfXwO1xsmPBOx7OJxgrhyODnX_Ud_T6V_MA"},
	{false, "a uid with a quote",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlclwiMSIsInJlZnJlc2giOjM2MDAwMDAsImV4cGlyZS"
		"I6MTc4MDYwNDgwMDAwMH0.jjrwUX4ho0QD-pzf4yiEDR4I75ls0aesN9IKZHq67n"
		"i5HXqS5vz8rxItS-W-rxqnN4uUJBEc_oSjxhpU-kUMSIdWvGclU2R9xcURexJkyS"
		"T5_tN3K0VFN2pwfI-QHpbqRyqeB5DMJailZ4Uo6MLNFhtHukf1plLOaMTxKNSmFE"
		"pJiNVojsT9T0J73v0r283C2WavDNLqZaMybosqPSRkSXC5qsu0zZDGqhkUuvswT2"
		"1KV09YzfbGZ8OKROiyWB8AEgyx9Nk6h1h6ce_Ye2Y2dtBclo7XscOHOQ5vV1tEZj"
		"vX9KRZvtgyaInXMRccx394nCDIwIxBGIfUtqrhFFDNBQ"},
	{false, "a uid with a NUL",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoidXNlclx1MDAwMDEiLCJyZWZyZXNoIjozNjAwMDAwLCJleH"
		"BpcmUiOjE3ODA2MDQ4MDAwMDB9.QMSlHLxoC3V5qTHsI8JgZZ900G8xEG8ptoJG9"
		"WjqvwNT-nNhOTJ794q4228SHoIoTovPqkgvwaCi3DdMkaILc_rQ91Ob8KP88QTXr"
		"oqddpoM-VDG5VLiV7TScbFgPKnnppv-u_if-mGsmMef0s00wlFQt867NPUBj96ng"
		"9mSuy_MUMR_3qORaQhlK1RRzQ_GiD_Jxi90e--cqTAlH6VyIpTNcOqKLqUTrZoia"
		"nFlQsTuvI62u05KAdicg9iW_iMuF0oHAtDTX223aoWC6vlCYDohPD6pAkhEQienz"
		"YgQxTEIfp9bebYaIdpgvhwYT4JB1Ac9N4WlUBklu1TNZUytuA"},
	{false, "a uid that is a number",
		"key-1/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1Ni"
		"IsImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMD"
		"YwMDAwMCwidWlkIjoxMjM0NSwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNz"
		"gwNjA0ODAwMDAwfQ.o4cIjmOj-RuP7BWfxT4sIvFAN_jORTODyaiDDVNfek0qH9l"
		"qq5iXkEI-ZCuGMWvrsPJN6fupPWHw0Fdk-qZR2K0FEc5be4uZko-hdkxKTFgUEVL"
		"hx0zb7Et9MSzrCX_vebudZfRATTzB_Ha09VHWyn9N9-2djGMGWmhWzZq5vqpVQZ4"
		"Ez0Ez88H8pBrQCSh0dhrsjd9QgdwRzmWD2Z8z1mHpoN483cq9lCEUnBJPvVB0hhL"
		"Wpy2tLPcolYqeBWNnCKFaZbXZ9vHJ6J31RL7KD7eidasdEzLH6Lo9ATeCAhtlz0g"
		"HtQLzZU3vXtRPOhUYj2MBGWQFs5nO21m0GwUBzA"},
	{false, "no key id",
		"/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1NiIsImV"
		"udiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwMDA"
		"wMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxNzg"
		"wNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmwOAh57"
		"J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUiD5zYl"
		"vEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOBY91fp"
		"xzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4SvSUu"
		"mQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3Aq2ok"
		"MLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{false, "a key id with a slash",
		"a/b/@@/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1NiIs"
		"ImVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYw"
		"MDAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjox"
		"NzgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmwOA"
		"h57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUiD5"
		"zYlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOBY9"
		"1fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4Sv"
		"SUumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3Aq"
		"2okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{false, "no mark",
		"key-1/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhbGciOiJSUzI1NiIsI"
		"mVudiI6ImVudjEiLCJpYXQiOjE3ODAwMDAwMDAwMDAsImV4cCI6MTc4MDAwMDYwM"
		"DAwMCwidWlkIjoidXNlci0xIiwicmVmcmVzaCI6MzYwMDAwMCwiZXhwaXJlIjoxN"
		"zgwNjA0ODAwMDAwfQ.N2hI8hRUoWKc2xkeEFtKcriVq7MvYOEQIrXlfSvzCmwOAh"
		"57J1J_49qUFa8pMyXD7VIwKvxWL9gsG74kU4m84w20cAETK-wYMxTC9MBlvUiD5z"
		"YlvEgGPNulqxy6bMjYwrem-2nSmrF-Jvyj3HVaDZntaGNxN5vOmk6dA8b8oOBY91"
		"fpxzQJqvXhaz9bd8nhbZgEcP_Q2BeTRWQfrIPkQlTOrKJflYz-gnsXincYFn4SvS"
		"UumQbu_Zu4FHkSpwUsA95Kyfi9CB-2HzA71P7VU7x48hfbzEYdr2jRWOAosg3Aq2"
		"okMLFTOQ6ChtcVglTPReUXRGlNvH-RkUv2dbdD0A"},
	{false, "nothing",
		""},
	{false, "a code",
		"0a1b2c3d"},
};
