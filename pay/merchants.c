/*
 * The merchants of one reading of the configuration.
 */
#include "base/mem.h"
#include "pay/certs.h"
#include "pay/merchant.h"

struct merchants *
merchants_new(void)
{
	return mem_new(struct merchants);
}

struct merchants *
merchants_free(struct merchants *all)
{
	if (!all)
		return NULL;
	for (size_t i = 0; i < all->count; i++)
		merchant_unref(all->merchant[i]);
	return mem_free(all);
}

int
merchants_add(struct merchants *all, struct merchant *m, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; i < all->count && r == 0; i++)
		if (strcmp(all->merchant[i]->mchid, m->mchid) == 0)
			r = fault_set(why, ERR_CONFIG,
				"[pay %s]: this mchid is there already",
				m->mchid);
	if (r == 0 && all->count == MERCHANTS_TOP)
		r = fault_set(why, ERR_CONFIG, "more than %d merchants",
			MERCHANTS_TOP);
	if (r < 0) {
		merchant_unref(m);
		return r;
	}
	all->merchant[all->count++] = m;
	return 0;
}

void
merchants_inherit(struct merchants *fresh, const struct merchants *old)
{
	for (size_t i = 0; i < fresh->count; i++) {
		struct merchant *m = fresh->merchant[i];
		const struct merchant *was =
			merchants_find(old, slice_str(m->mchid));

		if (!m->certs || !was || !was->certs)
			continue;
		certs_unref(m->certs);
		m->certs = certs_ref(was->certs);
	}
}

struct merchant *
merchants_find(const struct merchants *all, struct slice mchid)
{
	if (!mchid.len)
		return all->count ? all->merchant[0] : NULL;
	for (size_t i = 0; i < all->count; i++)
		if (slice_is(mchid, all->merchant[i]->mchid))
			return all->merchant[i];
	return NULL;
}

struct merchant *
merchants_for_app(const struct merchants *all, struct slice appid)
{
	for (size_t i = 0; i < all->count; i++)
		if (merchant_has_app(all->merchant[i], appid))
			return all->merchant[i];
	return NULL;
}
