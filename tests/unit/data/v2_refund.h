#pragma once

/*
 * req_info of v2's news of refunds, made by the openssl command:
 *   openssl enc -aes-256-ecb -K HEX | base64
 * where HEX is hex of the 32 letters of `printf KEY | md5sum`, and KEY is
 * api_v2_key of wechat-vectors-own.json.  Fields as in the official sample.
 */

#define V2_REFUND_SUCCESS \
	"1Posm47RjityZCp01oc0V2mSJIpvyNhki5IldFtBr0H3zjqJtQqovMjLB1TXvsV+" \
	"pANZYY/itiR/VprXOe+qVBA/mILgf+N+hqjSfoF5Lt1cRMzu7bu2LBnfwy5GA0EM" \
	"WRRSd2uTf1Ubb8orXOg/nPgY5ucTbBRjhphaety7UD0/MfI4jFcAq/7iqXf6f73e" \
	"9mkrjvkrMabjpEIcqrRexoHUm+FRwhx0CRjxfNfiAc83BCApb4zyTTwE9LymbN9S" \
	"FvWFpDE3IAJ+bSfwvZmiaAeIVS7V/XV7YBKctLevE2baP29cg4jXlITBO7AuUuIX" \
	"Y1BVXsm0m+5ecn/Wn2hvQjTKKzCf5yP/4pYxY7ae93tSksr6/qyWN1RhBezxfD2n" \
	"6xfytMfjPkPt5xJRaMlP/menhu6CT1PDfVwZp6wi7zDpzogmrn7CTrB69UVG6Jy9" \
	"kk4Oz0GrdRrU1TFfZbT9Z+0ZDK1cn9tS53s1FdzGlLSaFw0mO8WBrcUS6GXYTuC1" \
	"H9x2poUI5tpXjsGXYkdLbM0XsTDZb/KrLg7q/dg7upOOvCPsCGdNTRcAAxVsgIFA" \
	"1Zuj0i5G1ua4RwJN2Q2hPw9k3wiPSN8ptXVFhJy8cPgXByg2nsPwbx81yaSlCing" \
	"B6qfRz2oz+SL8q7rH+8kqwJQf7uMY/X/IkofZYaunAOWN2Lf1wx2JxGe6pbf2hm9" \
	"qh5zwU+rN6V/buPPFztGPBwJmT0rvn10E3uCeB/aSCoNa820zsNiiL1DjoMD0dpT" \
	"Gk4VQY3GuSdN/kWNgC7WylS1AodJQkkJAxQMlogLIDfDDPMPxwK0ItmLfWBhYDsa" \
	"nxXSoV9YkFNMzFJynB0cYNXr3Jg2cVVVs4oDlrg3GmbrLAzJkQSqZnulSQrSIvlw" \
	"wq/I9hwUfFizmos/hFeYPgmImErlMfRXwNnq9lg4eLoQt+WYter4+sE6hKkUSQjQ"
#define V2_REFUND_CHANGE \
	"1Posm47RjityZCp01oc0V2mSJIpvyNhki5IldFtBr0H3zjqJtQqovMjLB1TXvsV+" \
	"pANZYY/itiR/VprXOe+qVBA/mILgf+N+hqjSfoF5Lt1cRMzu7bu2LBnfwy5GA0EM" \
	"WRRSd2uTf1Ubb8orXOg/nPgY5ucTbBRjhphaety7UD0/MfI4jFcAq/7iqXf6f73e" \
	"9mkrjvkrMabjpEIcqrRexoHUm+FRwhx0CRjxfNfiAc83BCApb4zyTTwE9LymbN9S" \
	"FvWFpDE3IAJ+bSfwvZmiaAeIVS7V/XV7YBKctLevE2baP29cg4jXlITBO7AuUuIX" \
	"Y1BVXsm0m+5ecn/Wn2hvQjTKKzCf5yP/4pYxY7ae93tSksr6/qyWN1RhBezxfD2n" \
	"6xfytMfjPkPt5xJRaMlP/menhu6CT1PDfVwZp6wi7zDpzogmrn7CTrB69UVG6Jy9" \
	"kk4Oz0GrdRrU1TFfZbT9Z+0ZDK1cn9tS53s1FdzGlLSXhxOcZ7IgAATMV52LX2ds" \
	"ufh8kSHZGFjI+HNMfXXtXkX5uyuu6+CQiLHfXKskEz2PUbdTBHQX91qjSn0TqGJi" \
	"nd0Uz4FoAZSJaDaz5phKLBtlQlV3Ov3xalM1Ud9MoT7F6KBU88POO/Ul7Xo7Vsi4" \
	"72g0z2hBhHMrGcrwST6xA1mopJVDjaDaoCMep34Q1IBcCp7FX7NKqXaTEYAGrxhh" \
	"B6qfRz2oz+SL8q7rH+8kq53qU3ZquSzu9mCZo5luDiUpJ44KjCzMOVSPKVeD29pm" \
	"p5CGloZyY3yf+VUqw2w0kntcrg7NtFymK0pZO2qLMsLkqwaqBIqjNLSCW81YDpgi" \
	"7Yuuv3Aqk1Hsh/GEwfUIWHMed7pVrH9GXkt018lvP2E="
