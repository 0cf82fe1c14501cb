#pragma once

/*
 * Single values published with WeChat Pay's documentation and with its SDKs'
 * tests, each with its source.  The private keys are test keys that are
 * printed there.
 */

/* pay.weixin.qq.com/doc/v3/merchant/4012365336 and 4012365341: the merchant key
 * of the signature examples */
#define DOC_PRIVATE_KEY \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCm2mb6q8gMKH" \
	"/3\n" \
	"CNTbpJAIrbqiBiQGEOtjGcBrDYltsGynWgNscqT7WvfzU14FQbYcQUC5T4Wvva" \
	"7m\n" \
	"i3fIp3OgX8VqMDNA0qebnr38Pe6kqiLyZgFpJPXlSKDyPyqhRbVTbXssvSMQeV" \
	"Kc\n" \
	"dXeVxoNNeoOlNFHgF/P0io6AmAVnz+hN8SiZKuOsth5/zUTLGvtkgxBcQooQrt" \
	"Xh\n" \
	"RcpLT798OyIb9xeJ2HO3xRtMv2+perEzb4gMibI74UBz+2QEbnkubPE+2jU2rR" \
	"Zu\n" \
	"dnNEz/BPOt3Qj/w2V6/G0VumGDh6+UeMU0jv4aupHztWITC4Akn0l7lBCNy3lg" \
	"l8\n" \
	"VFaJnkIxAgMBAAECggEAYGL8aESB7NwciDWW2UdoWUsa7GxFtSdjAz2mFXGdeT" \
	"sY\n" \
	"mVh7b9OOkRGM+Qio4LqEHDBp1mMk5E/cUJwy1zw8pGGO5nfvs7u9TT3XnHaefI" \
	"s4\n" \
	"YvUgTYAneIuLRkXNN5rQU+CD7mVYczTSz0Vgjqo9wa1LjUz7G0xbBmJgTdMEFG" \
	"Js\n" \
	"eJjy6AbJo0CGIwp6HJbTm4CmOUgXnnDAIbEGTIRImkZFH/rzneIeR7oZ77FVwx" \
	"r1\n" \
	"CZB2gfRCov/yRPbw8vnryYkmvQ7D/ze3j5097vRg/MoDGBSdoOwcmo75vyofr0" \
	"AS\n" \
	"zytMjmHYyifqkf5slPropSiJeGf4p/7gtKyF6dE/XQKBgQDVAlJ+4U5ZVGOuDc" \
	"3+\n" \
	"sAhz8CTzgFNlq9vKuSoFK6hOz2L+cwj+E7NXGkOe2DsHHZNy2Xqxk7caKhPEp1" \
	"z9\n" \
	"hhpMpyLVMoFt6CKemyoRBWDCQwLLwem9SZF/IAyovBkLiH36P42Jm26gUkNMKC" \
	"/5\n" \
	"Zhtqxf6RZgRQzbVudJi47vIRCwKBgQDIh0+v27Oo+DM3fhObH4I1NrXpWOEGH7" \
	"OQ\n" \
	"G1dEsMuFYF4hjGhg0kBEP3w9vVdl2+mRllZKTsx9oqjb8OibPLLIH8xsdbAB0W" \
	"Lf\n" \
	"JvjLu4wl/ILUzN1RI03dWnnv2EnEeQn6c3hizvrJ9wR5U4ue9RPVnQooJ0hZF1" \
	"PU\n" \
	"uCL5fWK3MwKBgElReU/PAYbh80WP3t3Rfbdaa32dKBeQ5iCLR5lsA4zM+YgX1H" \
	"qQ\n" \
	"EWTj126vgvHaDkyz6vWAoL/Sx+cirHFfXWIRDX5Q2hgYlQH+6qXdMgbrxeSYpH" \
	"nQ\n" \
	"/tHBGFpkFELSAnrGsVMyOwvYBO4LzyeLK9i+ufcWJFoj1FVmsMLHDG8tAoGARd" \
	"bi\n" \
	"iQQCoYG4DMarO2aQ6cmhN6EN1h0qY7EyBqlwaIZ0okiNfdMcMOjPc41DKCWcRm" \
	"lO\n" \
	"qlihXcxN9TQFPzO3rH1urAOdBjUPs1qWYhZyrDQyuLyVBBJApyxAtajloDjrob" \
	"+f\n" \
	"mQIvVDHk7ACN6xG+E7K6+9salnTKbJapD618uQMCgYBNy6XUvzLkP/A1U/UZdt" \
	"cx\n" \
	"l8GwU/dturLxz4CyGbqDw4ubaYY2e13lnqHUqQgPtiSyH51nq3tdo8G0YAJdfk" \
	"Sv\n" \
	"KvnfslW91fyEBUKnkdW1o3/1UFU/wprZ7ixVL/F42A4xDu7OFE8EnweJOZ0jWc" \
	"eE\n" \
	"OdhCkaIGBCfRnlECRK8UyQ==\n" \
	"-----END PRIVATE KEY-----\n"
/* pay.weixin.qq.com/doc/v3/merchant/4012365336: a signed request */
#define DOC_REQUEST_BODY \
	"{\"appid\":\"wxd678efh567hg6787\",\"mchid\":\"1900007291\",\"d" \
	"escription\":\"Image\345\275\242\350\261\241\345\272\227-\346" \
	"\267\261\345\234\263\350\205\276\345\244\247-QQ\345\205\254" \
	"\344\273\224\",\"out_trade_no\":\"1217752501201407033233368018" \
	"\",\"notify_url\":\"https://www.weixin.qq.com/wxpay/pay.php\"," \
	"\"amount\":{\"total\":100,\"currency\":\"CNY\"},\"payer\":{\"o" \
	"penid\":\"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o\"}}"
#define DOC_REQUEST_SIGN \
	"jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP" \
	"1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5bsKERQfPyT0ahSwK" \
	"TYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3" \
	"/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3LIHOKDcNI4It1aCXydFWNpNK+" \
	"SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kA" \
	"pQb3nZcxdUtoE0liJGW3RGUNE0t4v01A=="
/* pay.weixin.qq.com/doc/v3/merchant/4012365341: paySign of a mini program */
#define DOC_PAY_SIGN \
	"mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0u" \
	"ibcLVtvFLdGLpmoYO9FV6lBBsTAjuhh5YOvQi0e2g3e0yytitiNET9FEuqM0pj" \
	"nKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxVySIlPVKjGwuCXzuXSJ" \
	"es0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD+oJ9VM1Qdxk4UIG59CP5Y3wtYI" \
	"FybyF3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMH" \
	"r2e1NTWtBxKJ+qk5N61J7caYoepHFaxw=="
/* pay.weixin.qq.com signature-verification: an answer in public key mode */
#define DOC_PUBLIC_KEY \
	"-----BEGIN PUBLIC KEY-----\n" \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwXNI6sdlknHBnK8Fu2" \
	"U6\n" \
	"Cwor9qY747jP8KAfeBMeveEt1TqaHkLfaSD07trZLhGpfs8/AHqjhgSMO1O10Y" \
	"QW\n" \
	"OrrJ4hjIWPKqxbgrYMkBQc+mwdiWp4W3ByCqxBRagCveCXRWCmuJYovl9H/bsD" \
	"I0\n" \
	"iGbpVtEOghJtfciisYSgxcLufUDTRkvwxjIBK1pCRjk33jJ5YTBWTHMRtMAOcF" \
	"LN\n" \
	"F6hdEYdX8SPsgHHeLZ5Lv2T/686w1xtgCHef/sd4uSfWmyzsalQdHG/e4IyYmr" \
	"hx\n" \
	"+O3VBoNDzE3nx23bFeV/RVNCG7cV6VhmYokJNHa/erIPkEmEFID6A5wQOXuxUk" \
	"mJ\n" \
	"WwIDAQAB\n" \
	"-----END PUBLIC KEY-----\n"
#define DOC_ANSWER_SIGN \
	"mfI1CPqvBrgcXfgXMFjdNIhBf27ACE2YyeWsWV9ZI7T7RU0vHvbQpu9Z32ogzc" \
	"+k8ZC5n3kz7h70eWKjgqNdKQF0eRp8mVKlmfzMLBVHbssB9jEZEDXThOX1XFqX" \
	"7s7ymia1hoHQxQagPGzkdWxtlZPZ4ZPvr1RiqkgAu6Is8MZgXXrRoBKqjmSdrP" \
	"1N7uxzJ/cjfSiis9FiLjuADoqmQ1P7p2N876YPAol7Rn0+GswwAwxldbdLrmVS" \
	"jfytfSBJFqTMHn4itojgxSWWN1byuckQt8hSTEv/Lg97QoeGniYP17T80pJeQy" \
	"L3b+295FPHSO2AtvCgyIbKMZ0BALilAA=="
#define DOC_ANSWER_BODY \
	"{\"code_url\":\"weixin://wxpay/bizpayurl?pr=JyC91EIz1\"}"
/* github.com/wechatpay-apiv3/wechatpay-go utils/sign_test.go: "source" signed */
#define GO_PRIVATE_KEY \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDZUJN33V+dSf" \
	"vd\n" \
	"fL0Mu+39XrZNXFFMQSy1V15FpncHeV47SmV0TzTqZc7hHB0ddqAdDi8Z5k3TKq" \
	"b7\n" \
	"6sOwYr5TcAfuR6PIPaleyE0/0KrljBum2Isa2Nyq7Dgc3ElBQ6YN4l/a+DpvKa" \
	"z1\n" \
	"FSKmKrhLNskqokWVSlu4g8OlKlbPXQ9ibII14MZRQrrkTmHYHzfi7GXXM0thAK" \
	"uR\n" \
	"0HNvyhTHBh4/lrYM3GaMvmWwkwvsMavnOex6+eioZHBOb1/EIZ/LzC6zuHArPp" \
	"yW\n" \
	"3daGaZ1rtQB1vVzTyERAVVFsXXgBHvfFud3w3ShsJYk8JvMwK2RpJ5/gV0QSAR" \
	"cm\n" \
	"LDRUAlPzAgMBAAECggEBAMc7rDeUaXiWv6bMGbZ3BTXpg1FhdddnWUnYE8HfX/" \
	"km\n" \
	"OFI7XtBHXcgYFpcjYz4D5787pcsk7ezPidAj58zqenuclmjKnUmT3pfbI5eCA2" \
	"v4\n" \
	"C9HnbYDrmUPK1ZcADtka4D6ScDccpNYNa1g2TFHzkIrEa6H+q7S3O2fqxY/DRV" \
	"tN\n" \
	"0JIXalBb8daaqL5QVzSmM2BMVnHy+YITJWIkP2a3pKs9C0W65JGDsnG0wVrHin" \
	"HF\n" \
	"+cnhFZIbaPEI//DAFMc9NkrWOKVRTEgcCUxCFaHOZVNxDWZD7A2ZfJB2rK6eg/" \
	"/y\n" \
	"gEiFDR2h6mTaDowMB4YF2n2dsIO4/dCG8vPHI20jn4ECgYEA/ZGu6lEMlO0XZn" \
	"am\n" \
	"AZGtiNgLcCfM/C2ZERZE7QTRPZH1WdK92Al9ndldsswFw4baJrJLCmghjF/iG4" \
	"zi\n" \
	"hhBvLnOLksnZUfjdumxoHDWXo2QBWbI5QsWIE7AuTiWgWj1I7X4fCXSQf6i+M/" \
	"y2\n" \
	"6TogQ7d0ANpZFyOkTNMn/tiJvLECgYEA22XqlamG/yfAGWery5KNH2DGlTIyd6" \
	"xJ\n" \
	"WtJ9j3jU99lZ0bCQ5xhiBbU9ImxCi3zgTsoqLWgA/p00HhNFNoUcTl9ofc0G3z" \
	"wT\n" \
	"D1y0ZzcnVKxGJdZ6ohW52V0hJStAigtjYAsUgjm7//FH7PiQDBDP1Wa6xSRkDQ" \
	"U/\n" \
	"aSbQxvEE8+MCgYEA3bb8krW7opyM0XL9RHH0oqsFlVO30Oit5lrqebS0oHl3Zs" \
	"r2\n" \
	"ZGgoBlWBsEzk3UqUhTFwm/DhJLTSJ/TQPRkxnhQ5/mewNhS9C7yua7wQkzVmWN" \
	"+V\n" \
	"YeUGTvDGDF6qDz12/vJAgSwDDRym8x4NcXD5tTw7mmNRcwIfL22SkysThIECgY" \
	"AV\n" \
	"BgccoEoXWS/HP2/u6fQr9ZIR6eV8Ij5FPbZacTG3LlS1Cz5XZra95UgebFFUHH" \
	"tC\n" \
	"EY1JHJY7z8SWvTH8r3Su7eWNaIAoFBGffzqqSVazfm6aYZsOvRY6BfqPHT3p/H" \
	"1h\n" \
	"Tq6AbBffxrcltgvXnCTORjHPglU0CjSxVs7awW3AEQKBgB5WtaC8VLROM7rkfV" \
	"Iq\n" \
	"+RXqE5vtJfa3e3N7W3RqxKp4zHFAPfr82FK5CX2bppEaxY7SEZVvVInKDc5gKd" \
	"G/\n" \
	"jWNRBmvvftZhY59PILHO2X5vO4FXh7suEjy6VIh0gsnK36mmRboYIBGsNuDHjX" \
	"Le\n" \
	"BDa+8mDLkWu5nHEhOxy2JJZl\n" \
	"-----END PRIVATE KEY-----\n"
#define GO_SOURCE_SIGN \
	"BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFAN" \
	"JU9K6q9bLlDhPXuoVz+pp4hAm6pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0Xt" \
	"J8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMzoZUguLli" \
	"/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlff" \
	"k2FEA70G4hvMwe51qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm" \
	"4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg=="
/* the header layout of wechatpay-go wechat_pay_credential_test.go; signatures
 * computed with the key above (openssl) */
#define GO_GET_SIGN \
	"mG2drrUCDR7EVrJmQVI6eW5VlDB0zzpcYLC83UiNxe1aNAomazwWci4q/HPA7M" \
	"mlbGAswwSE7iPiLy3vflXohf42WXNA031htDbpBCVt1ti2teKFPh531KK07unc" \
	"+CrCiepz6veTgsylXYO4iBI+DYQ4UDj+r8A/lhqj7yHmtLjvcJ45Og6Wdecd/T" \
	"7jGgMwcEe1mR7HLzC7R6snnLOaRwnPCe6WyiWGDHHuQzvNFeaztpM3noedCPEw" \
	"Gculoy2MPVvNER6TpM8CUijpKChWM7Q5vIwg8QYv9bH7IuZitLMAgx0+cgaNzF" \
	"bzZuXxwGB6wIAmv70dWcQx8F2erR/Nzw=="
#define GO_POST_SIGN \
	"DCeawJDRmQK8OKC60oPDUI1pUEB+Tf/v5wotGvNAElMqaQkT+tO853h+wADc8r" \
	"yvvx1CWznNPflug1+p0CXWH3lMFQ/IDWkJFRoHO2fYFitv2nN1CNz0OXsDyTJt" \
	"AOG1bklr9RH2JA2tzYmrbi3GwXX5WOyOWkyXKLy6IdU0yVkVZRiOkiwm7cLsFm" \
	"FkJ66T2X6oOCsECJfvRu/8rrWnYAMZhyXPNSOF1zeRIR22eWOwEUbdi5NmZlsY" \
	"8klJPP33UKaYy5XIMBuTT+MpoDbPs7XCUC0qsB+CsK5Qxloo4HofHiPlVqls4Z" \
	"qCtGsKD3oYEgOCDsupkzO0r7OdXYUsKw=="
/* github.com/w7corp/easywechat tests/Kernel/Support/AesGcmTest.php */
#define EASYWECHAT_RESOURCE \
	"LsCtZf91SEdVjdVNHtl6cnmrMz6atFZbsF0cwQQmgrTSb4WOey3uaKPqKbVb3E" \
	"+9bT65ND/vJDD7/kLBnqOf8j2niXJ3vtdx11dpAG9yevfWdD8My6k9moQ+uuoL" \
	"q9D1LVM4/QFGUYU68mKZr5FsPjWlImj06vg010LWzNe24cInjPNfelvfsz1xDK" \
	"VpMwC1dy4ANPt4ZOCmch/pfezLrg13f/aTs8Rs9v4v+B1jqme9oyUnSVFOOU19" \
	"gCPvyvCLSVbvf3Ng0noWHKDh2IbA7tozFDkZr8q9Y9f9igfCUq4W4LCnyhIyid" \
	"qYr17DM8O0I+JlAf+Awf0xFYRMDckQItWAsYp/a11Z3wZ4pEurRlL8Dvz1PsZU" \
	"9X4ZmCtxfvYVND+b1Xf4zWJV4e9atODn9JIXg8ENmGASrxG64hOQI4al79DT2k" \
	"IoWSy7SmdyJX0ZI6MILD+x4f5gi4GAT7lpw0ufXK73YXIRfvzEU3EsJDc72AHA" \
	"sACTdWosSOmLejB2W0Saf27HqDxGOvb2IFaIlwVgL7g7hCItbFJ0MV3X7clwU0" \
	"V35T+hF5lrrB9OSH0w0GWeRNZmWjeR+EQX2WJWB0JnG7ZKCtxkMhPcCThze92T" \
	"kIJsCHj0c2uCOru37hMXvce3qJNZSKpMkperGia4HeqVRI+Zn+qc1PCfK+1m8w" \
	"qdnROMzEa8U3Gw9Exx0CuYff6NGmIMQedr6IlBcJpM8loR1Q3b5ea2oI4lGy+3" \
	"akXT70QkVRExIcubvPsCzf8r14+rgbonKCkGeAfSiIzRzW7u9HkTSzcZPDQqzM" \
	"taIsYVLx/b+eQ0tuGaYbLAfTO0yn+MJx+EQMAPi31qTAggmmSZOudvZHal2/az" \
	"n12+dSF1Im1KZdddAFcTahKcu9Iu4qZo7q8XvOHuSLjSxh6aAWij6c4HbdxgxD" \
	"w5zkk3GZtqG+u977HlPDgnJCDTvbTvQ7vrnptBzkXJ3QehJ8AlNLdW3GXXSF3Z" \
	"kOPYNYnlrbEIpPu255nNj0aTURH4UXQgO+LCjy53bCEumlSoO91BQ1++WSBVnJ" \
	"K9xm5yuBDkjFSZjwQ27IM3V66db3766QUnUG8gnqASMzXQ+eNTAUMTNW8NC7cc" \
	"Q1Z2YCsDVhEH7fDzbSuTExIV+/fgIE4Zpn7r+Ry+AnTRn92CQRW1ri8+hdL60u" \
	"QDiBma1fovMNPX/cVrNwPF2r+b12Fp8KLF51572KCy487nj2+1OhzF8tbe8ZPL" \
	"QRvv2bHKJnubQDKHP607KdbZMMPrl9BfpTQYVUKwo1GAjytizlQpVvWf4+PVgD" \
	"jdys84tiw+iS9/HStC9NatcRZqXn4YR9c69ICaCqiHKEV9S7EPEI73nmb1o/Jl" \
	"+Pnl/wul+eOtK5X3LY+n5Rh+WciCL4zZG64lsUGzRgFprxoJBqDJFFydVTzKkt" \
	"QT2aoHiUpk9j4Vc3fcmYru0CfUBi5qhi2bKr8+PwWWKgS1mPeU3o/cqkBUqSAX" \
	"Tjewq298351pQ7LVSadp+UXR5je+Nal5OfCVCAVyUB4PVhRTQLPcubRLwYRh/+" \
	"1LLL/xizgUf6rCOcYNZQ3MnCUCdgVKE4IftSmFQwE91fdVoJQUbrsNuNchG266" \
	"81XekJVh70iLhzmkYaSdE69WPfN01R8B4uQziY/VHLztg60F9vEIZs5DxPj2la" \
	"fiwDGTk+cSH/VF2DC+A/8mJlqZCMEn2kv1SDg1i0aV74MJn6EDkI2NyahXAzvE" \
	"EpdUDG9nRtRqSy9DA/E5Ae0HV0jqWXSGYSrXOT07PNqCxgzfgXE/oEGuGTb/30" \
	"rD7dU="
#define EASYWECHAT_PLAIN \
	"{\"transaction_id\":\"1217752501201407033233368018\",\"amount" \
	"\":{\"payer_total\":100,\"total\":100,\"currency\":\"CNY\",\"p" \
	"ayer_currency\":\"CNY\"},\"mchid\":\"1230000109\",\"trade_stat" \
	"e\":\"SUCCESS\",\"bank_type\":\"CMC\",\"promotion_detail\":[{" \
	"\"amount\":100,\"wechatpay_contribute\":0,\"coupon_id\":\"1095" \
	"19\",\"scope\":\"GLOBAL\",\"merchant_contribute\":0,\"name\":" \
	"\"\345\215\225\345\223\201\346\203\240-6\",\"other_contribute" \
	"\":0,\"currency\":\"CNY\",\"stock_id\":\"931386\",\"goods_deta" \
	"il\":[{\"goods_remark\":\"\345\225\206\345\223\201\345\244\207" \
	"\346\263\250\344\277\241\346\201\257\",\"quantity\":1,\"discou" \
	"nt_amount\":1,\"goods_id\":\"M1006\",\"unit_price\":100},{\"go" \
	"ods_remark\":\"\345\225\206\345\223\201\345\244\207\346\263" \
	"\250\344\277\241\346\201\257\",\"quantity\":1,\"discount_amoun" \
	"t\":1,\"goods_id\":\"M1006\",\"unit_price\":100}]},{\"amount\"" \
	":100,\"wechatpay_contribute\":0,\"coupon_id\":\"109519\",\"sco" \
	"pe\":\"GLOBAL\",\"merchant_contribute\":0,\"name\":\"\345\215" \
	"\225\345\223\201\346\203\240-6\",\"other_contribute\":0,\"curr" \
	"ency\":\"CNY\",\"stock_id\":\"931386\",\"goods_detail\":[{\"go" \
	"ods_remark\":\"\345\225\206\345\223\201\345\244\207\346\263" \
	"\250\344\277\241\346\201\257\",\"quantity\":1,\"discount_amoun" \
	"t\":1,\"goods_id\":\"M1006\",\"unit_price\":100},{\"goods_rema" \
	"rk\":\"\345\225\206\345\223\201\345\244\207\346\263\250\344" \
	"\277\241\346\201\257\",\"quantity\":1,\"discount_amount\":1,\"" \
	"goods_id\":\"M1006\",\"unit_price\":100}]}],\"success_time\":" \
	"\"2018-06-08T10:34:56+08:00\",\"payer\":{\"openid\":\"oUpF8uMu" \
	"AJO_M2pxb1Q9zNjWeS6o\"},\"out_trade_no\":\"1217752501201407033" \
	"233368018\",\"appid\":\"wxd678efh567hg6787\",\"trade_state_des" \
	"c\":\"\346\224\257\344\273\230\346\210\220\345\212\237\",\"tra" \
	"de_type\":\"MICROPAY\",\"attach\":\"\350\207\252\345\256\232" \
	"\344\271\211\346\225\260\346\215\256\",\"scene_info\":{\"devic" \
	"e_id\":\"013467007045764\"}}"
/* github.com/wechatpay-apiv3/wechatpay-java: its tests' platform key */
#define JAVA_PUBLIC_KEY \
	"-----BEGIN PUBLIC KEY-----\n" \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4qBVumAat3oWPdWVuU" \
	"24\n" \
	"fkTVJ7hn6Lvp6m4dCq+d/txH9BDaE2ztUtuAYTb+WeugVoDZKphrQX5tismQq/" \
	"aN\n" \
	"/rptyvBX8xCAzsmXFsYXWIsiG9cdU4FKk227akp5Yu3d74TXUjDyijwDampQ2H" \
	"ZT\n" \
	"u8O6CeyuuYYxHcpW0VkkStaIHXztqfBGV8K9EM67cbSmC+nq+KY+OIo9rHZUkC" \
	"nc\n" \
	"LrrBdHf59Ik/KdRsEU1EzzUqPe5dVYDsuiPxWQvQf88SgKu/+/15YFimlpEya9" \
	"Pd\n" \
	"kCcTV0xy/OSIisIFHek6j9Ii5jLvqhVwaSa+5zkhrrSq4/b10kXLjh3IPsTDen" \
	"Yt\n" \
	"7wIDAQAB\n" \
	"-----END PUBLIC KEY-----\n"
/* a callback made with the keys of wechatpay-java (node:crypto) */
#define JAVA_NOTIFY_SIGN \
	"cObr43j7tDybnRXShrqEmbg+XF88j2ySvaoo0B5lkrh4so0tKcSQ4odpYWcOID" \
	"t/3vH6azkrkBEcdJdns3ZKyxxaL+VK0yxgndYewwQ3NUV+cKydA/GuTnN8XLZM" \
	"RHf6RURp66ckUZ8CmieEZKFvq6jFzHdRsQGTaZo0U6vyMoD64Hu4j0OVuMQYR/" \
	"SBv1NOiLxhAkvWNqgr5cry/aL89SThdHarmHoGoDEPbzCAIv/rZDIxHME63o+e" \
	"LAzQQ0RtL3ZcSo3QuO4bnyysnm4SEqp57FnUTljQQr7rS7Qk5cHKnJL9xz3e/9" \
	"XD8peZ/eMDGMh20MKXSiACCBt7Swfjcw=="
#define JAVA_NOTIFY_BODY \
	"{\"id\":\"7a6c0c2e-0001-5000-8000-000000000001\",\"create_time" \
	"\":\"2024-01-02T03:04:05+08:00\",\"resource_type\":\"encrypt-r" \
	"esource\",\"event_type\":\"TRANSACTION.SUCCESS\",\"summary\":" \
	"\"\346\224\257\344\273\230\346\210\220\345\212\237\",\"resourc" \
	"e\":{\"original_type\":\"transaction\",\"algorithm\":\"AEAD_AE" \
	"S_256_GCM\",\"ciphertext\":\"bcF2VmD1kx8CzpJ7gAg7K1I39TjOB6+ie" \
	"6hSla3h67g7XgF9SzxUNpHxvIz6MqU9g6NgiqfryS9oGM+H/48Fj5AM+OAWgu3" \
	"LrbyYa2fat80E1OMlRgdpZ4k5v6RYvoayG4UkBwR9M+jQLMA4wMmh1SgspRSgP" \
	"8u0pE4EG0KUbJzYa4TczmvFeP3bhM5sxNwIeKG+nHTSEbw+H6UHu2sgCsJWymA" \
	"AlGgTqZJF/VGX4LaZ96OGC33zphGWo9od7MiVzekAW+yzqQzy0NYh6ZhErOYda" \
	"lc9u6rXQSrI24jocz+pHcPB0XHDZCWTvBCZPIhHu4eX4hYl7tAI6ew/SslHuvo" \
	"b5SyakjsP7r05YNJdRAtwv0YxS07VYSvhiM10fEB46GbuXl9Uje5y6Z87VcV8G" \
	"1GUL6yZGIdXZMQ0o9QHtJK6X5qNOkYvhJcunIuiWSl3U7XFANE5xDTVbkOjpna" \
	"+SGDziifgfp9x+SdEuZFf6bTo5mghedoOrXbVzYrb0MEeUsAh2h90Yz6mKiib9" \
	"kusYIEVr2echaGGbPu5UyvuOjdUoEcLGRtuOhHm60hFEMkVFGU=\",\"associ" \
	"ated_data\":\"transaction\",\"nonce\":\"nonce1234567\"}}"
#define JAVA_NOTIFY_PLAIN \
	"{\"mchid\":\"1234567891\",\"appid\":\"wx2421b1c4370ec43b\",\"o" \
	"ut_trade_no\":\"MPC202401020001\",\"transaction_id\":\"4200000" \
	"000202401020000000001\",\"trade_type\":\"JSAPI\",\"trade_state" \
	"\":\"SUCCESS\",\"trade_state_desc\":\"\346\224\257\344\273\230" \
	"\346\210\220\345\212\237\",\"bank_type\":\"OTHERS\",\"attach\"" \
	":\"\",\"success_time\":\"2024-01-02T03:04:05+08:00\",\"payer\"" \
	":{\"openid\":\"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o\"},\"amount\":{\"t" \
	"otal\":100,\"payer_total\":100,\"currency\":\"CNY\",\"payer_cu" \
	"rrency\":\"CNY\"}}"
