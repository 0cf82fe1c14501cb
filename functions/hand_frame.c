/*
 * What a worker says.  It may be anybody's code by now: whatever is not one of
 * our messages, or is one at the wrong time, has it killed; a result is handed
 * on only when it is JSON.
 */
#include "functions/hand.h"

#include "base/val.h"

/* Of an ERROR's body: the object and its members. */
enum { ERROR_VALUES = 64 };

const char hand_not_a_message[] =
	"the function's process sent what is not a message of ours";

static void
refuse_size(struct invocation *inv, size_t size)
{
	struct fault why = {0};

	(void)fault_set(&why, ERR_ANSWER_BIG,
		"the function returned %zu bytes, functions.result_size allows "
		"%zu",
		size, inv->crews->result_top);
	invocation_finish(inv, ERR_ANSWER_BIG, why.text, SLICE(""));
}

static void
on_result(struct hand *hand, const struct frame *f)
{
	struct invocation *inv = invocation_find(hand, f->id);

	if (!inv || !invocation_has_begun(inv))
		hand_kill(hand, hand_not_a_message);
	else if (f->body.len > hand->crew->crews->result_top)
		refuse_size(inv, f->body.len);
	else if (inv->call && val_check(f->body) < 0)
		invocation_finish(inv, ERR_FN_BAD_ANSWER, NULL, SLICE(""));
	else
		invocation_finish(inv, 0, NULL, f->body);
}

static void
say(struct hand *hand, const char *request_id, int level, struct slice text)
{
	while (text.len && text.ptr[text.len - 1] == '\n')
		text.len--;
	crew_say(hand->crew, request_id, level, LINE_CODE, text);
}

/* Not cut inside a character. */
static struct slice
text_head(struct slice s, size_t top)
{
	if (s.len <= top)
		return s;
	while (top && ((unsigned char)s.ptr[top] & 0xc0) == 0x80)
		top--;
	return slice_of(s.ptr, top);
}

static void
on_error(struct hand *hand, const struct frame *f)
{
	struct invocation *inv = invocation_find(hand, f->id);
	struct slice message = SLICE(""), stack = SLICE("");
	size_t values = ERROR_VALUES;
	struct fault why = {0};
	_json_ json_t *json = NULL;

	if (!inv || !invocation_has_begun(inv) ||
		val_parse_some(&json, f->body, &values, NULL) < 0 ||
		!json_is_object(json) ||
		val_str_or(json, "message", SIZE_MAX, message, &message, NULL) <
			0 ||
		val_str_or(json, "stack", SIZE_MAX, stack, &stack, NULL) < 0) {
		hand_kill(hand, hand_not_a_message);
		return;
	}
	say(hand, inv->request_id, 3, stack.len ? stack : message);
	message = text_head(message, sizeof(why.text) - 1);
	if (message.len)
		(void)fault_set(
			&why, ERR_FN_FAILED, "%.*s", SLICE_ARG(message));
	invocation_finish(
		inv, ERR_FN_FAILED, message.len ? why.text : NULL, SLICE(""));
}

static void
on_log_frame(struct hand *hand, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct invocation *inv = f->id ? invocation_find(hand, f->id) : NULL;
	uint8_t level = get_u8(&g);

	if (g.bad || level > 3)
		hand_kill(hand, hand_not_a_message);
	else
		say(hand,
			inv     ? inv->request_id
			: f->id ? hand->last_id
				: "",
			level, text_head(g.left, PROTO_LOG_TOP));
}

void
hand_line(struct crew *crew, uint32_t number, int level, struct slice text)
{
	struct hand *hand = number ? hand_find(crew, number) : NULL;
	struct invocation *head = NULL;

	if (hand) {
		head = list_first(&hand->sent, struct invocation, on);
		/* Of several at once nobody knows who printed it. */
		if (head && crew->settings.concurrency > 1 && hand->nsent > 1)
			say(hand, "", level, text);
		else
			say(hand, head ? head->request_id : hand->last_id,
				level, text);
	} else {
		crew_say(crew, "", level, LINE_CODE, text);
	}
}

void
hand_frame(struct stream *s, const struct frame *f)
{
	struct hand *hand = container_of(s, struct hand, stream);

	if (hand->blame == hand_not_a_message)
		return; /* it is being killed */
	switch (f->type) {
	case PROTO_RESULT:
		on_result(hand, f);
		break;
	case PROTO_ERROR:
		on_error(hand, f);
		break;
	case PROTO_CALL:
		host_ask_start(hand, f->id, f->body);
		break;
	case PROTO_LOG:
		on_log_frame(hand, f);
		break;
	case PROTO_LEAVING:
		hand_ends(hand);
		break;
	case PROTO_READY:
		if (f->id != 0 || f->body.len != 0)
			hand_kill(hand, hand_not_a_message);
		else
			hand_ready(hand);
		break;
	default:
		hand_kill(hand, hand_not_a_message);
	}
}
