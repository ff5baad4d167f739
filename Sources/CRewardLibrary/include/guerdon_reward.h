/* Reward programs from C, and from whatever can call C: libguerdon_reward.so.
 *
 * Every function may be called from any thread. A function that fails returns NULL or a number other than 0 and, if
 * `error` is not NULL, puts a message there that guerdon_free_string releases. Strings are UTF-8.
 */
#ifndef GUERDON_REWARD_H
#define GUERDON_REWARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled program: immutable, shared freely between threads. */
typedef struct guerdon_program guerdon_program;

typedef enum {
  GUERDON_FLOAT64 = 0,
  GUERDON_FLOAT32 = 1,
  GUERDON_INT64 = 2,
  GUERDON_INT32 = 3,
  GUERDON_UINT8 = 4,
  GUERDON_BOOL = 5
} guerdon_dtype;

/* Numbers in the caller's memory, read in place. */
typedef struct {
  const char *name;
  const void *data;
  int32_t dtype;
  /* Axes, the axis of rows included unless the field is shared. */
  int32_t axes;
  const int64_t *shape;
  /* Bytes between neighbours along each axis; may be negative or 0. */
  const int64_t *strides;
} guerdon_array;

typedef enum { GUERDON_REWARD = 0, GUERDON_FITNESS = 1 } guerdon_kind;

/* Checks and compiles a program.
 *   source, length  its text
 *   name            its file's name, for messages
 *   schema          JSON: {"fields": [{"name": "obs", "shape": [11], "low": -1, "high": 1, "shared": false}, …]};
 *                   a shape is without the axis of rows, and everything but the name may be left out
 *   function        the function to run; NULL finds it by its usual names
 * On failure `error` holds every diagnostic with its line and a caret.
 */
guerdon_program *guerdon_compile(
    const char *source, size_t length, const char *name, const char *schema, int32_t kind, const char *function,
    char **error);

void guerdon_free(guerdon_program *program);

/* What the program reads: indices into the fields of the schema are in the order of its first uses. */
int32_t guerdon_input_count(const guerdon_program *program);
const char *guerdon_input_name(const guerdon_program *program, int32_t index);

int32_t guerdon_term_count(const guerdon_program *program);
const char *guerdon_term_name(const guerdon_program *program, int32_t index);

/* Warnings and notes as a JSON array; released with guerdon_free_string. */
char *guerdon_diagnostics(const guerdon_program *program);

/* Computes the rewards of `rows` transitions, or the fitness of one episode of `rows` steps.
 *   arrays, count   all inputs, by name, in any order; others may be among them
 *   rewards         receives one number a row (or one number)
 *   terms           receives terms[k * rows + i]; may be NULL
 */
int32_t guerdon_evaluate(
    const guerdon_program *program, const guerdon_array *arrays, size_t count, int64_t rows, double *rewards,
    double *terms, char **error);

void guerdon_free_string(char *text);

#ifdef __cplusplus
}
#endif
#endif
