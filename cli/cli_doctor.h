#pragma once

/* `mpcloud doctor`: one check of its table; see cli_doctor.c. */

#include "base/err.h"

struct cli;

enum verdict { FINE, HINT, WRONG };

/* The verdict, with its words in `say`. */
typedef enum verdict check_fn(struct cli *cli, struct fault *say);

enum verdict doctor_say(enum verdict v, struct fault *say, const char *text);

/* cli_doctor_server.c: what it keeps things in, and where it asks. */
check_fn doctor_database, doctor_watch, doctor_storage, doctor_s3,
	doctor_valkey;

/* cli_doctor_cage.c: what keeps functions apart. */
check_fn doctor_kernel, doctor_namespaces, doctor_tmpfs, doctor_seccomp,
	doctor_landlock, doctor_cgroup;
