/* Made by opendata.mjs; see there. */
#define OD_KEY \
	"ABEiM0RVZneImaq7zN3u/w=="
#define OD_KEY_UNLUCKY \
	"AAABPAAAAAAAAAAAAAAAAA=="
#define OD_IV \
	"Dw4NDAsKCQgHBgUEAwIBAA=="
#define OD_GOOD \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqs++Eljltd" \
	"6tIJB/ndX+sG4kw99EDtmczXee/yO5AzGQ=="
#define OD_ODD \
	"XUgAL5SzJaIXdg/VjGNymwISSBbkYQCFXgwfOtGYkdaU38kLZ+JzB40h24Dx" \
	"0K5DQAQrSiJ40IZ/gg+J3M/bLLm/U7D2eY/TTFdkPSUvuE4="
#define OD_OPENID \
	"HCoUHNWTc0XsXhuBO/dWjjqEjvpcHR9qEba399393pbfN7FMrMJ8etDp4kdd" \
	"KCrEuEgzdjJ8xABEh0i1B4DV0NMCQRjfmod7gPbqFZ5Jded8Ie7RFYMmQlzW" \
	"BbEZutNv"
#define OD_OPENID_NUMBER \
	"cf+D/a63ya5Laje1noq7EgzRT+3pOqUFRMBnKolSfI0zLqYWjBxvMM1hjH0q" \
	"/52OG+0Jrf8UzTO9gV6JrvMfs+1nvwT10Tj3u92QJN50UpY="
#define OD_PAD_16 \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOQAOnHIwe69aIYnd0c5u6FysDy4meVEd7S2K" \
	"KujVKG2G"
#define OD_PAD_1 \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOdFrrkyCjEZT76z0ryduOpM="
#define OD_PAD_ZERO \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOdQaG4+tPyu6xmOjrD+6YInBwFSbS8ATfy0V" \
	"+NDLCgbg"
#define OD_PAD_17 \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOQAOnHIwe69aIYnd0c5u6FygpuMPozIWXcru" \
	"teAIT8WL"
#define OD_PAD_UNEQUAL \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOdQaG4+tPyu6xmOjrD+6YIk9B6EYhF8/EpDZ" \
	"0DBtO2KE"
#define OD_PAD_FIRST \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOdQaG4+tPyu6xmOjrD+6YInY8/WzKhVG1Hk9" \
	"mMJh+Srx"
#define OD_PAD_NONE \
	"LVT6iH0/H1cWrGkT84kQHddOmxzWMep5PA+QnzoClc2fg+MIhNmReIx22+a0" \
	"t46ncSsgi+IXdFy6RQismWnlOQAOnHIwe69aIYnd0c5u6Fw="
#define OD_OTHER_APP \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSfLTp94CXsQgauSVwaIrPm7eM0SLm6xe" \
	"N0Bux2Kv8voi"
#define OD_APP_PREFIX \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJrzh6LIax1i" \
	"kl2zwDV/fTLzuMsNs4iipIZE4WJCqtbxDw=="
#define OD_APP_NUL \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqEhKu55myJ" \
	"ofSPlUlqtum0Vr8UO2+Im50qOivY12JOrg=="
#define OD_APP_NUMBER \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSWVkcKTW5U3HBjHJgfMsTiQ="
#define OD_NO_MARK \
	"1V8KOhSP88/xtQLb10/d2Fj8DPnT5abvscFIxUyu+LY="
#define OD_MARK_TWICE \
	"LVT6iH0/H1cWrGkT84kQHeNdpqfvSzRJBX+D9lyY7Wt8odnMTfEdCd4C+lQ/" \
	"EzJmUTucv1L3SvkzD7KSyDW1RG3l5XYwzVDscD0PIeJn7i421QZajlpdNjLo" \
	"LbnAsY7u6NZITjxvFBRFNPJnx/90xeSETBeoWD/ioPFRqzY86rTnoucxFfcj" \
	"jMBw8ZD7uTdWB80kszFKZ5xl4WDrPmMkysHJFjcvfeEcqVMAbYC0dSXlDWvV" \
	"xYlAn+g0cItzl/t2+Op+wS0SrhtFNdFUz0fx4Q=="
#define OD_TIME_TEXT \
	"LVT6iH0/H1cWrGkT84kQHVtL20K5N440OfreABdjcTdAnUblRBqc1UUnDm2j" \
	"WfV5hloxizO7Be0ZqXAMIxrKaqAzEH4VVbyCuHe2EonmBEg="
#define OD_TIME_FUTURE \
	"LVT6iH0/H1cWrGkT84kQHabK0F4hanW7kTJKHOsj4TNyEO1ELaNXOsgGt23M" \
	"Hh580256u+wLCWR/Qqnx0YiY0AS8poWiESBzYN/Qeb9APUo="
#define OD_ARRAY \
	"ulVo6f/N+Oay91N38+a4ID4RwKDT8cQyml3bF1yvCq+P01B6sTnvN5mEM1u9" \
	"2saT6RiTwl0c4lV4ZaBRtZLo3inMHmV0eYxukCy5NJiE8SY8zI4KrInLPstd" \
	"chXaDPKW72PQQMozu8lJ4MU7qsk7CmmS8OyPLFXA9gn1knEX7J8Nm4xqyH55" \
	"zOYShOHwhMrxVGKYoJdInIlIuS1dA4w64Q=="
#define OD_TRAILER \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqs++Eljltd" \
	"6tIJB/ndX+sGW9uhXEkJlV4dwdhHNqEszQ=="
#define OD_NOT_UTF8 \
	"7eBG2GeIcNf9CJt4IjjnjRpG4PvBwDxpHt4b7751aNjqt/vl4oEbfqiAhH8c" \
	"AmObs8jTbSqLQ9EijyY7BsgXG6G9oUaRvBKcmPaU8FrfYJU="
#define OD_EMPTY \
	"2PQ/xjktjc7Tr0iUev7u5A=="
#define OD_KEY_AS_TEXT \
	"YmALHENWa+eNhUdYIghEEZfdRlO++wjrFjgnqak3qBnoYDGS7R6hfmXXW3gM" \
	"VZfUTiI9NIBRV45hcULKt5PbjqU2skTjGfFkMQxFTD1/pZyXDxHprIGTqRw9" \
	"lcNHYkvKi5Xog7b+o6r9UwqAS+hOVpSW9xTUjBrwYw6MVrmy5IsmNv9QHWM3" \
	"f/uFhy61URt6BJLlRZC3zz2DkD6tX0OoWw=="
#define OD_FLIPPED \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqs++Eljltd" \
	"6tIJB/ndX+sH4kw99EDtmczXee/yO5AzGQ=="
#define OD_CUT \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqs++Eljltd" \
	"6tIJB/ndX+sG4kw99EDtmczXee/yO5Az"
#define OD_BLOCK_CUT \
	"1V8KOhSP88/xtQLb10/d2BL6Uby/T3ckW7boId8lz7F14NvvmkG6HbdTn+BX" \
	"i3ecYhWfdXDkJ5ea2Rb2hVRFhdhwHXpTEUGNbmVa+xBtlRyvWB6wBHdV25rG" \
	"gNbKtGtvFcK0XIoIZpR/pxjdKoAdSdoxbwm7r6OjtzX5TIxxWJqs++Eljltd" \
	"6tIJB/ndX+sG"
#define OD_RAW \
	"{\"nickName\":\"测试\",\"x\":\" a\\n\"}"
#define OD_SIGNATURE \
	"a600e0f6d1e0a795cb5079c4cb4a21bab14028fa"
#define OD_SIGNATURE_DECODED \
	"e878ff37b2797f63cf5daa546bd94356dec5cbf8"
#define OD_SIGNATURE_REFORMED \
	"80240fe0f464f8bdecee0e89b7b6467b0dcc4b11"
#define OD_HMAC_EMPTY \
	"cb4ddd2bfeb25111be82a9e5d42e49c7da1f2ecb281cb3f8c188dbb12d9c" \
	"0798"
#define OD_HMAC_EMPTY_DECODED \
	"e8a06537f096ccf1a3c425a56cea054072c4a8db67bd28cfb02fbeaf84b3" \
	"5f6c"
