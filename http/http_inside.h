#pragma once

/*
 * What the http*.c files share, and nobody else sees.
 */

#include "base/buf.h"
#include "base/fdpoll.h"
#include "base/text.h"
#include "base/timer.h"
#include "http/http.h"
#include "http/target.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>

enum { CONN_PEER = INET6_ADDRSTRLEN, EXCHANGE_ID = 33, HTTP_FORMS = 64 };

/* An answer's body up to which head and body leave as one TLS record. */
enum { TLS_HOLD = 12 * 1024 };

enum { CERT_CHAIN = 16 };

/* A certificate with its key; lives until its last connection has closed. */
struct cert {
	unsigned refs, count;
	gnutls_privkey_t key;
	gnutls_pcert_st list[CERT_CHAIN];
	char **names; /* subjectAltName, NULL-ended */
	gnutls_ocsp_data_st ocsp;
};

/* Those of a listener; the first is shown when no name fits. */
struct certs {
	size_t count;
	struct cert *cert[];
};

/* What a connection is at, each with its time limit (http_conn.c). */
enum conn_phase {
	CONN_NEW,  /* nothing received yet */
	CONN_IDLE, /* between requests */
	CONN_HEAD, /* the request line is there, the head not yet */
	CONN_BODY, /* the head is there, the body not yet */
	CONN_SINK, /* the same, of a body that is not collected */
	CONN_WORK, /* with the upper floor */
	CONN_SEND, /* the answer is on its way */
	CONN_OVER, /* answered past the library: to be closed */
	CONN_PHASES_
};

/* Within its TLS handshake (http_shake.c). */
enum shake {
	SHAKE_NONE,   /* it never waited, or is over */
	SHAKE_ASLEEP, /* waits for the client */
	SHAKE_AWAKE,  /* has waited */
};

struct conn {
	struct http *http;
	struct MHD_Connection *mhd;
	gnutls_session_t tls; /* NULL: plain */
	struct exchange *x;   /* the request under way */
	struct cert *cert;
	struct list on;    /* http->conns */
	struct list moved; /* http->moved: its timer is set after the run */
	struct list stuck; /* http->stuck: held records did not all leave */
	struct timer limit;
	uint64_t due;  /* loop ms, 0: no limit */
	uint64_t mark; /* bytes that had passed when the limit was set */
	struct upgrade *upgrade;
	enum conn_phase phase;
	enum shake shake;
	int fd;
	bool linger;               /* refused with input unread */
	bool told_tls, tls_before; /* what its PROXY header said */
	bool marked;               /* `mark` says something */
	bool shaken;               /* the TLS handshake needs no more input */
	bool became;               /* something else: its exchange has ended */
	uint64_t peer_word;        /* exchange_peer_word */
	char peer[CONN_PEER];
};

struct http {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct http_conf conf;
	struct http_ops ops;
	struct fdpoll poll; /* the library's epoll in ours */
	uv_idle_t *again;   /* runs while the library has more to do */
	struct defer spin;
	struct timer tick; /* the library's own timeouts */
	struct timer rest; /* from runs for nothing */
	struct list conns, moved, lingers, stuck;
	struct list turns;        /* http_turn.c: who waits for his */
	struct list upgrades;     /* http_upgrade.c */
	struct proxy_door *proxy; /* http_proxy.c, or NULL */
	struct shakes *shakes;    /* http_shake.c; NULL: plain */
	struct timer push;        /* tries those that are stuck again */
	struct exchange *spare;   /* to be used again, with their memory */
	unsigned nspare;
	struct form *forms[HTTP_FORMS]; /* http_answer.c, by shape */
	size_t nforms, form_hand;
	struct certs *certs; /* NULL: plain */
	gnutls_datum_t ticket_key;
	unsigned busy, connections, lingering;
	unsigned upgraded; /* and not a connection of the library's any more */
	unsigned closing;  /* upgrades, over TLS */
	size_t held;       /* by its exchanges, bytes */
	uint32_t id_next;
	char id_prefix[25];
	int64_t turn;   /* clock_mono when the library began to run */
	int64_t date_s; /* of `date` */
	char date[TEXT_HTTP_DATE];
	uint64_t runs;
	unsigned acts;      /* what its runs called */
	unsigned idle_runs; /* one after the other that called nothing */
	uint64_t passed;    /* bytes of answers, at the last look */
	bool draining, ending;
	bool told_tls, tls; /* by the PROXY header of the next connection */
};

/* Of the answer. */
struct header {
	struct header *next;
	const char *name;
	size_t len;
	char value[];
};

/* Who makes the bytes of an answer. */
enum answer_kind { ANSWER_BYTES, ANSWER_FILE, ANSWER_STREAM, ANSWER_UPGRADE };

/* How far an exchange is. */
enum exchange_phase {
	EXCHANGE_LINE, /* the request line is known */
	EXCHANGE_BODY, /* on_head was called; the body arrives */
	EXCHANGE_WORK, /* on_request was called; no answer yet */
	EXCHANGE_SEND, /* the library has the answer */
};

struct exchange {
	struct http *http;
	struct exchange *next_spare;
	struct conn *conn;
	struct arena arena;
	struct buf body;
	struct target target;
	struct slice raw;    /* the target */
	struct slice head;   /* where the library has it */
	struct named *named; /* http_header.c: the headers */
	uint64_t header_marks;
	unsigned header_count, header_room;
	const char *method;
	struct MHD_Response *response;
	struct form *form; /* whose the response is */
	struct list turn;  /* http->turns */
	struct header *headers, **last_header;
	void *data;
	const char *peer;       /* NULL: the connection's */
	uint64_t peer_word;     /* with `peer` */
	exchange_take_fn *sink; /* the body's, or NULL: it is collected */
	exchange_give_fn *give; /* the answer's */
	upgrade_fn *take_over;
	void *upgrade_owner;
	uint64_t length; /* announced; 0 without or when chunked */
	uint64_t took;   /* of the body */
	uint64_t body_top, sent;
	int64_t announced; /* of a stream; -1: not known */
	size_t held;
	int64_t started;
	int status;
	enum exchange_phase phase;
	enum answer_kind kind;
	bool has_body, begun, suspended;
	bool inside; /* the upper floor is called: who called it looks after */
	bool paused; /* the body is not asked for yet */
	bool flows;  /* it is */
	bool again;  /* exchange_go_on was called inside */
	bool over;   /* answered past the library */
	bool tls_told, tls; /* what a trusted proxy said */
	bool large;         /* the answer has to wait for its turn */
	bool close;         /* the answer is the connection's last */
	bool last;          /* the client may want it to be */
	bool old;           /* HTTP/1.0 */
	bool folded;        /* a header stood on more than one line */
	bool doubtful;      /* where the head ends is not certain */
	bool informal;      /* the answer's headers are not constants */
	bool foreign;       /* some may be others' in another spelling */
	char id[EXCHANGE_ID];
};

/* Requests we refuse ourselves; http_check.c has the table. */
enum refusal {
	REFUSE_NOT,
	REFUSE_VERSION,
	REFUSE_METHOD,
	REFUSE_TARGET,
	REFUSE_NAME,
	REFUSE_VALUE,
	REFUSE_FOLD,
	REFUSE_MANY,
	REFUSE_HOST,
	REFUSE_LENGTH,
	REFUSE_CODING,
	REFUSE_BOTH,
	REFUSE_EXPECT,
	REFUSE_BODY,
	REFUSE_SLOW,
	REFUSE_MEMORY,
	REFUSE_COUNT_
};

struct refusal_info {
	int status;
	const char *word; /* for the log */
	const char *text; /* for the client */
};

/* http_check.c */
enum refusal http_check(struct exchange *x, const char *version);
const struct refusal_info *refusal_get(enum refusal why) _returns_value_;
/* The JSON of a refusal, in the exchange's arena. */
struct slice refusal_body(struct exchange *x, enum refusal why);

/* http_fold.c */
void head_find(struct exchange *x);
bool head_holds(const struct exchange *x, const char *p);
/* Name and value of a header on several lines as they should have been read;
 * false when they cannot be. */
bool fold_mend(struct exchange *x, struct slice *name, struct slice *value);

/* http_header.c */
/* One more; the name is not empty, the value trimmed.  Both stay where they
 * are until the exchange ends. */
void header_keep(struct exchange *x, struct slice name, struct slice value);

/* http_conn.c */
void conn_notify(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code);
struct conn *conn_of(struct MHD_Connection *mhd) _returns_value_;
void conn_move(struct conn *c, enum conn_phase phase);
/* Set the timers of the connections that moved. */
void conns_wind(struct http *http);
void conns_drain(struct http *http);
/* A whole answer past the library, which takes none while a body arrives; the
 * connection must be closed after. */
void conn_tell(struct conn *c, struct exchange *x, int status, const char *type,
	struct slice body);
void conn_refuse(struct conn *c, struct exchange *x, enum refusal why);

/* http_slow.c */
/* Has too little passed since the limit was set?  Only of CONN_SINK and
 * CONN_SEND.  Marks the place for the next time. */
bool conn_is_slow(struct conn *c, uint64_t ms);

/* http_body.c */
void body_begin(struct exchange *x);
enum MHD_Result body_take(struct exchange *x, const char *data, size_t *len);
/* An answer that can only go past the library. */
bool body_is_in_the_way(const struct exchange *x);
void body_answer_past(
	struct exchange *x, int status, const char *type, struct slice body);

/* http_send.c */
void response_headers(
	const struct exchange *x, struct MHD_Response *r, const char *type);

/* http_turn.c */
/* Should a file of `len` bytes wait for its turn? */
bool turn_is_worth(const struct exchange *x, uint64_t len);
/* Of one that sleeps, or will when this callback ends: it is woken for it. */
void turn_wait(struct exchange *x);
/* After the library has run. */
void turns_take(struct http *http);

/* http_upgrade.c */
void upgrade_end(struct conn *c);
/* Those that close need more runs of the library. */
void upgrades_push(struct http *http);
void upgrades_leave(struct http *http);

/* http_upgrade_tls.c: the clear text of the connection, on `*ret`, which is its
 * user's; NULL: no descriptor is left. */
struct pump;
struct pump *pump_new(struct conn *c, int *ret);
/* The user's descriptor is closed.  `sent`, perhaps at once and perhaps more
 * than once: what he had written has left. */
void pump_end(struct pump *p, void (*sent)(void *owner), void *owner);
struct pump *pump_free(struct pump *p);

/* http_proxy.c */
int proxy_open(struct http *http, int fd) _must_check_;
void proxy_close(struct http *http);
/* A place has become free. */
void proxy_more(struct http *http);

/* http_linger.c: keeps the socket of a refused client open until he has read
 * the answer. */
void linger_start(struct http *http, int fd);
void lingers_stop(struct http *http);

/* http_answer.c */
/* What stands in Date now; made once a second. */
const char *http_date(struct http *http) _returns_value_;
void response_make(
	struct exchange *x, int status, const char *type, struct slice body);
/* The library has it; the exchange ends. */
void response_queued(struct exchange *x);
void response_done(struct exchange *x);
void forms_free(struct http *http);

/* http_exchange.c */
/* A sleeping exchange whose answer can go now. */
void exchange_wake(struct exchange *x);
void exchange_sleep(struct exchange *x);
/* The response is made: let it go, if nobody does already. */
void exchange_settle(struct exchange *x);
void exchange_end(struct exchange *x, bool sent);
/* The exchange's arena with room for `size` bytes of our own, which its
 * ceiling does not count. */
struct arena *exchange_room(struct exchange *x, size_t size) _returns_value_;
void *exchange_begin(void *http, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_go(void *http, struct MHD_Connection *mhd,
	const char *url, const char *method, const char *version,
	const char *data, size_t *len, void **context);
void exchange_done(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode code);
void http_spin_soon(struct http *http);
/* The library would go on without waiting for its epoll. */
bool http_has_more(const struct http *http);
void exchanges_free(struct http *http);

/* http_cert.c */
int http_certs_new(struct certs **ret, const struct http_cert *from,
	size_t count, struct fault *why) _must_check_;
struct certs *http_certs_free(struct certs *certs);
struct cert *cert_unref(struct cert *c);
/* The library asks at each handshake. */
int cert_show(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **ret, unsigned *ret_len, gnutls_ocsp_data_st **ocsp,
	unsigned *ocsp_len, gnutls_privkey_t *ret_key, unsigned *flags);

/* http_shake.c */
int shakes_new(struct http *http) _must_check_;
void shakes_free(struct http *http);
void shake_begin(struct conn *c);
void shake_end(struct conn *c);

/* http_tls.c */
int tls_ticket_key(struct http *http, struct slice secret) _must_check_;
/* After the handshake the server sends tickets; the first answer must not wait
 * until the client has acknowledged them, which he puts off for 40 ms. */
void tls_no_delay(int fd);
void tls_begin(struct conn *c);
/* Collect what is sent from now on; tls_flush sends it as one. */
void tls_hold(struct conn *c);
void tls_flush(struct conn *c);

static inline bool
conn_is_stuck(const struct conn *c)
{
	return !list_empty(&c->stuck);
}
