/*
 * The platform's half of the sandbox, put together: what each noun keeps is
 * made and freed here, those that others point at first and last.
 */

#include "credential.h"
#include "generic.h"
#include "login.h"
#include "mini.h"
#include "phone.h"
#include "scripted.h"
#include "subscribe.h"
#include "user.h"
#include "userdata.h"

static const struct {
	void (*init)(struct sandbox *s);
	void (*done)(struct sandbox *s);
} parts[] = {
	{mini_init, mini_done},
	{credential_init, credential_done},
	{user_init, user_done},
	{login_init, login_done},
	{phone_init, phone_done},
	{userdata_init, userdata_done},
	{scripted_init, scripted_done},
	{generic_init, generic_done},
	{subscribe_init, subscribe_done},
};

void
api_init(struct sandbox *s)
{
	for (size_t i = 0; i < array_size(parts); i++)
		parts[i].init(s);
}

int
api_open(struct sandbox *s, const char *dir, struct fault *why)
{
	return mini_open(s, dir, why);
}

void
api_done(struct sandbox *s)
{
	for (size_t i = array_size(parts); i > 0; i--)
		parts[i - 1].done(s);
}
