/*
 * Alertmanager's webhook (version 4 of its format), and the text messages of
 * the group robots that teams in China read: WeCom, DingTalk, Feishu.
 */
#include "gateway/alert_notice.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/util.h"

#include <string.h>

enum { LINE_TOP = 1024 };

static void
json_member(struct buf *to, const char *key, struct slice value)
{
	buf_printf(to, "\"%s\":", key);
	buf_json(to, value);
}

static void
time_member(struct buf *to, const char *key, int64_t ms)
{
	buf_printf(to, "\"%s\":\"", key);
	if (ms)
		text_time(to, ms * CLOCK_MS);
	else
		buf_str(to, "0001-01-01T00:00:00Z"); /* Go's zero time */
	buf_char(to, '"');
}

static void
put_labels(struct buf *to, const struct alert_notice *n)
{
	buf_char(to, '{');
	json_member(to, "alertname", n->name);
	buf_char(to, ',');
	json_member(to, "severity", n->severity);
	if (n->node.len) {
		buf_char(to, ',');
		json_member(to, "instance", n->node);
	}
	buf_char(to, '}');
}

/* https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
static void
put_alertmanager(struct buf *to, const struct alert_notice *n)
{
	const char *status = n->resolved ? "resolved" : "firing";

	buf_printf(to,
		"{\"version\":\"4\",\"receiver\":\"mpcloud\",\"status\":\"%s\","
		"\"truncatedAlerts\":0,\"externalURL\":\"\",\"groupKey\":",
		status);
	buf_json(to, n->name);
	buf_str(to, ",\"groupLabels\":{");
	json_member(to, "alertname", n->name);
	buf_str(to, "},\"commonLabels\":");
	put_labels(to, n);
	buf_str(to, ",\"commonAnnotations\":{");
	json_member(to, "summary", n->text);
	buf_printf(to, "},\"alerts\":[{\"status\":\"%s\",\"labels\":", status);
	put_labels(to, n);
	buf_str(to, ",\"annotations\":{");
	json_member(to, "summary", n->text);
	buf_str(to, "},");
	time_member(to, "startsAt", n->started_ms);
	buf_char(to, ',');
	time_member(to, "endsAt", n->resolved ? n->ended_ms : 0);
	buf_str(to, ",\"generatorURL\":\"\",");
	json_member(to, "fingerprint", n->name);
	buf_str(to, "}]}");
}

static void
put_line(struct buf *to, const struct alert_notice *n)
{
	_buf_ struct buf line;

	buf_init(&line, LINE_TOP);
	buf_printf(&line, "[mpcloud] %s%.*s: %.*s",
		n->resolved ? "resolved: " : "", SLICE_ARG(n->name),
		SLICE_ARG(n->text));
	if (n->node.len)
		buf_printf(&line, " (%.*s)", SLICE_ARG(n->node));
	buf_json(to, buf_all(&line));
}

/* WeCom: developer.work.weixin.qq.com/document/path/91770; DingTalk's robots
 * take the same. */
static void
put_wecom(struct buf *to, const struct alert_notice *n)
{
	buf_str(to, "{\"msgtype\":\"text\",\"text\":{\"content\":");
	put_line(to, n);
	buf_str(to, "}}");
}

static void
put_feishu(struct buf *to, const struct alert_notice *n)
{
	buf_str(to, "{\"msg_type\":\"text\",\"content\":{\"text\":");
	put_line(to, n);
	buf_str(to, "}}");
}

static const struct {
	const char *name;
	void (*put)(struct buf *to, const struct alert_notice *n);
} formats[] = {
	{"alertmanager", put_alertmanager},
	{"wecom", put_wecom},
	{"dingtalk", put_wecom},
	{"feishu", put_feishu},
};

void
alert_notice_put(
	struct buf *to, const char *format, const struct alert_notice *n)
{
	for (size_t i = 0; i < array_size(formats); i++)
		if (!strcmp(formats[i].name, format))
			formats[i].put(to, n);
}
