/*
 * Batches of files: as many jobs as files, and one that ends with the last.
 */
#include "gateway/file_batch.h"

static void
task_end(struct file_task *t, const struct job *job)
{
	struct file_batch *b = t->batch;

	t->err = job->err;
	t->why = job->why;
	if (--b->left == 0)
		job_finish(&b->job, 0);
}

static void
on_look(struct job *job)
{
	struct file_task *t = container_of(job, struct file_task, op.get.job);

	t->info = t->op.get.info;
	task_end(t, job);
}

/* Nothing is uploaded: it was only asked whether it might be. */
static void
on_upload(struct job *job)
{
	struct file_task *t = container_of(job, struct file_task, op.put.job);
	struct job outcome = {.err = job->err, .why = job->why};

	file_put_done(&t->op.put);
	task_end(t, &outcome);
}

static void
on_remove(struct job *job)
{
	task_end(container_of(job, struct file_task, op.remove.job), job);
}

static void
on_copy(struct job *job)
{
	task_end(container_of(job, struct file_task, op.copy.job), job);
}

static void
start_upload(struct files *f, struct file_task *t)
{
	t->op.put = (struct file_put){.arena = t->batch->arena,
		.scope = t->batch->scope,
		.path = t->path,
		.size = -1};
	job_init(&t->op.put.job, on_upload);
	file_put_begin(f, &t->op.put);
}

static void
start_look(struct files *f, struct file_task *t)
{
	t->op.get = (struct file_get){.arena = t->batch->arena,
		.scope = t->batch->scope,
		.path = t->path,
		.info_only = true,
		.fd = -1};
	job_init(&t->op.get.job, on_look);
	file_get(f, &t->op.get);
}

static void
start_remove(struct files *f, struct file_task *t)
{
	t->op.remove = (struct file_remove){.arena = t->batch->arena,
		.scope = t->batch->scope,
		.path = t->path};
	job_init(&t->op.remove.job, on_remove);
	file_remove(f, &t->op.remove);
}

static void
start_copy(struct files *f, struct file_task *t)
{
	t->op.copy = (struct file_copy){.arena = t->batch->arena,
		.scope = t->batch->scope,
		.from = t->path,
		.to = t->to,
		.overwrite = t->overwrite,
		.move = t->move};
	job_init(&t->op.copy.job, on_copy);
	file_copy(f, &t->op.copy);
}

static void (*const starts[])(struct files *f, struct file_task *t) = {
	[FILE_VERB_LOOK] = start_look,
	[FILE_VERB_UPLOAD] = start_upload,
	[FILE_VERB_REMOVE] = start_remove,
	[FILE_VERB_COPY] = start_copy,
};

static void
on_drop(struct job *job)
{
	struct file_batch *b = container_of(job, struct file_batch, job);

	for (size_t i = 0; i < b->count; i++) {
		struct file_task *t = &b->task[i];

		if (!t->batch)
			continue;
		switch (t->verb) {
		case FILE_VERB_LOOK:
			job_cancel(&t->op.get.job);
			break;
		case FILE_VERB_UPLOAD:
			file_put_done(&t->op.put);
			break;
		case FILE_VERB_REMOVE:
			job_cancel(&t->op.remove.job);
			break;
		case FILE_VERB_COPY:
			job_cancel(&t->op.copy.job);
			break;
		default:
			break;
		}
	}
}

void
file_batch_run(struct files *f, struct loop *loop, struct file_batch *b)
{
	/* Each file's work has the deadline. */
	job_begin(&b->job, loop, 0, on_drop);
	b->left = 0;
	for (size_t i = 0; i < b->count; i++)
		b->left += b->task[i].err == 0;
	if (!b->left) {
		job_fail_soon(&b->job, loop, 0);
		return;
	}
	for (size_t i = 0; i < b->count; i++)
		if (b->task[i].err == 0) {
			b->task[i].batch = b;
			starts[b->task[i].verb](f, &b->task[i]);
		}
}
