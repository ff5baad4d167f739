// close_range.
#define _GNU_SOURCE

#include "chdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "types.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

struct chdf5_reader {
  int socket;
  pid_t process;
};

typedef enum operation {
  open_file, open_member, close_object, member_count, member_name, describe, read_numbers, read_text, read_attribute
} operation;

typedef struct request {
  operation operation;
  chdf5_type type;
  chdf5_id object;
  int64_t number;
  char name[4096];
} request;

typedef struct reply {
  int64_t value;
  chdf5_kind kind;
  chdf5_shape shape;
  uint64_t bytes;  // that follow
} reply;

// MARK: Transport

static bool send_all(int socket, const void *bytes, size_t count) {
  while (count > 0) {
    ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = (const char *)bytes + sent;
    count -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int socket, void *bytes, size_t count, int patience) {
  while (count > 0) {
    struct pollfd waiting = {.fd = socket, .events = POLLIN};
    if (poll(&waiting, 1, patience) <= 0) return false;
    ssize_t received = recv(socket, bytes, count, 0);
    if (received <= 0) return false;
    bytes = (char *)bytes + received;
    count -= (size_t)received;
  }
  return true;
}

// MARK: The reading process

static chdf5_type type_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? chdf5_uint8 : chdf5_int64;
    case H5T_FLOAT: return H5Tget_size(type) <= 4 ? chdf5_float32 : chdf5_float64;
    case H5T_ENUM: return H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 ? chdf5_bool : chdf5_unknown;
    case H5T_STRING: return chdf5_text;
    default: return chdf5_unknown;
  }
}

static bool is_foreign(hid_t dataset) {
  hid_t plan = H5Dget_create_plist(dataset);
  if (plan < 0) return true;
  bool foreign = H5Pget_external_count(plan) != 0 || H5Pget_layout(plan) == H5D_VIRTUAL;
  int filters = H5Pget_nfilters(plan);
  for (int i = 0; i < filters && !foreign; i++) {
    unsigned flags = 0;
    size_t values = 0;
    H5Z_filter_t filter = H5Pget_filter2(plan, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
    foreign = filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32 &&
      filter != H5Z_FILTER_NBIT && filter != H5Z_FILTER_SCALEOFFSET;
  }
  H5Pclose(plan);
  return foreign || filters < 0;
}

static bool describe_dataset(hid_t dataset, chdf5_shape *shape) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  bool known = type >= 0 && space >= 0;
  shape->rank = known ? H5Sget_simple_extent_ndims(space) : -1;
  known = shape->rank >= 0 && shape->rank <= 32;
  hsize_t sizes[32];
  known = known && H5Sget_simple_extent_dims(space, sizes, NULL) >= 0;
  for (int i = 0; known && i < shape->rank; i++) shape->sizes[i] = sizes[i];
  if (known) shape->type = type_of(type);
  shape->is_foreign = is_foreign(dataset);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return known;
}

static hid_t open_hard_link(hid_t group, const char *name, chdf5_kind *kind) {
  *kind = chdf5_missing;
  if (H5Lexists(group, name, H5P_DEFAULT) <= 0) return -1;
  H5L_info_t link;
  *kind = chdf5_other;
  if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0) return -1;
  *kind = chdf5_link;
  if (link.type != H5L_TYPE_HARD) return -1;
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  *kind = chdf5_other;
  if (object < 0) return -1;
  H5I_type_t type = H5Iget_type(object);
  if (type == H5I_GROUP) *kind = chdf5_group;
  if (type == H5I_DATASET) *kind = chdf5_dataset;
  return object;
}

static int64_t count_members(hid_t group) {
  H5G_info_t info;
  return H5Gget_info(group, &info) < 0 ? -1 : (int64_t)info.nlinks;
}

static bool read_all(hid_t dataset, chdf5_type type, void *values) {
  if (type != chdf5_bool) {
    return H5Dread(dataset, chdf5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  }
  // An enumeration's bytes, as they are.
  hid_t own = H5Dget_type(dataset);
  bool done = own >= 0 && H5Tget_size(own) == 1 && H5Dread(dataset, own, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (own >= 0) H5Tclose(own);
  return done;
}

typedef struct texts {
  char *bytes;
  size_t used, room, limit;
} texts;

static bool append_text(texts *texts, const char *text, size_t size) {
  uint64_t prefix = size;
  size_t more = sizeof prefix + size;
  if (more > texts->limit - texts->used) return false;
  if (texts->used + more > texts->room) {
    size_t room = 2 * (texts->used + more);
    char *bytes = realloc(texts->bytes, room);
    if (!bytes) return false;
    texts->bytes = bytes;
    texts->room = room;
  }
  memcpy(texts->bytes + texts->used, &prefix, sizeof prefix);
  memcpy(texts->bytes + texts->used + sizeof prefix, text, size);
  texts->used += more;
  return true;
}

// Some texts at a time: many may refer to the same bytes of the file, and are more than it when they are read.
static bool read_texts(hid_t dataset, texts *texts) {
  enum { most = 64 };
  hid_t own = H5Dget_type(dataset), space = H5Dget_space(dataset), type = -1;
  int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  hsize_t count = rank == 0 ? 1 : 0;
  bool varies = own >= 0 && H5Tis_variable_str(own) > 0;
  size_t size = varies ? sizeof(char *) : own >= 0 ? H5Tget_size(own) : 0;
  bool done = (rank == 0 || (rank == 1 && H5Sget_simple_extent_dims(space, &count, NULL) == 1)) && size > 0 &&
    size < (1 << 20);
  if (done && varies) {
    type = H5Tcopy(H5T_C_S1);
    done = H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5Tget_cset(own)) >= 0;
  } else if (done) {
    type = H5Tcopy(own);
  }
  char *buffer = done ? calloc(most, size) : NULL;
  done = done && buffer;
  for (hsize_t start = 0; done && start < count; start += most) {
    hsize_t here = count - start < most ? count - start : most;
    hid_t memory = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &here, NULL);
    if (rank == 1) done = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &here, NULL) >= 0;
    done = done && H5Dread(dataset, type, memory, space, H5P_DEFAULT, buffer) >= 0;
    for (hsize_t i = 0; done && i < here; i++) {
      const char *text = varies ? ((char **)buffer)[i] : buffer + i * size;
      done = append_text(texts, text ? text : "", !text ? 0 : varies ? strlen(text) : strnlen(text, size));
    }
    if (done && varies) H5Dvlen_reclaim(type, memory, H5P_DEFAULT, buffer);
    H5Sclose(memory);
  }
  free(buffer);
  if (type >= 0) H5Tclose(type);
  if (own >= 0) H5Tclose(own);
  if (space >= 0) H5Sclose(space);
  return done;
}

static bool read_integer(hid_t object, const char *name, int64_t *value) {
  if (H5Aexists(object, name) <= 0) return false;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return false;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool done = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_INTEGER &&
    H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return done;
}

static void answer(const request *request, reply *reply, void **payload) {
  hid_t object = request->object;
  switch (request->operation) {
    case open_file: reply->value = H5Fopen(request->name, H5F_ACC_RDONLY, H5P_DEFAULT); break;
    case open_member: reply->value = open_hard_link(object, request->name, &reply->kind); break;
    case close_object: reply->value = H5Oclose(object); break;
    case member_count: reply->value = count_members(object); break;
    case member_name: {
      char *name = calloc(1, sizeof request->name);
      *payload = name;
      reply->value = !name ? -1 : H5Lget_name_by_idx(
        object, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)request->number, name, sizeof request->name, H5P_DEFAULT);
      if (reply->value > 0 && reply->value < (int64_t)sizeof request->name) reply->bytes = (uint64_t)reply->value;
      break;
    }
    case describe: reply->value = describe_dataset(object, &reply->shape) ? 0 : -1; break;
    case read_numbers:
      *payload = calloc(1, (size_t)request->number);
      reply->value = *payload && read_all(object, request->type, *payload) ? 0 : -1;
      if (reply->value == 0) reply->bytes = (uint64_t)request->number;
      break;
    case read_text: {
      texts texts = {.limit = (size_t)request->number};
      reply->value = read_texts(object, &texts) ? 0 : -1;
      *payload = texts.bytes;
      if (reply->value == 0) reply->bytes = texts.used;
      break;
    }
    case read_attribute: reply->kind = read_integer(object, request->name, &reply->value) ? chdf5_other : chdf5_missing;
  }
}

static _Noreturn void serve(int socket) {
  // Whatever a damaged file does to this process, it dies quietly.
  const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGINT, SIGTERM};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  struct rlimit nothing = {0, 0}, seconds = {900, 900};
  setrlimit(RLIMIT_CORE, &nothing);
  setrlimit(RLIMIT_CPU, &seconds);
  int silence = open("/dev/null", O_RDWR);
  if (silence >= 0) {
    dup2(silence, STDOUT_FILENO);
    dup2(silence, STDERR_FILENO);
  }
  chdf5_prepare();
  static request request;
  while (receive_all(socket, &request, sizeof request, -1)) {
    reply reply = {.value = -1};
    void *payload = NULL;
    answer(&request, &reply, &payload);
    bool sent = send_all(socket, &reply, sizeof reply) && (reply.bytes == 0 || send_all(socket, payload, reply.bytes));
    free(payload);
    if (!sent) break;
  }
  _exit(0);
}

// MARK: Its owner

static void close_from(int first) {
#ifdef __linux__
  close_range((unsigned)first, ~0U, 0);
#else
  for (int file = first; file < getdtablesize(); file++) close(file);
#endif
}

chdf5_reader *chdf5_start_reader(void) {
  int ends[2];
  chdf5_reader *reader = calloc(1, sizeof *reader);
  if (!reader || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    free(reader);
    return NULL;
  }
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
  int yes = 1;
  setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  reader->socket = ends[0];
  reader->process = fork();
  if (reader->process == 0) {
    // The reader lives as long as the file: it must not keep what else is open here, a server's port for one.
    dup2(ends[1], 3);
    close_from(4);
    serve(3);
  }
  close(ends[1]);
  if (reader->process > 0) return reader;
  close(ends[0]);
  free(reader);
  return NULL;
}

void chdf5_end_reader(chdf5_reader *reader) {
  close(reader->socket);
  kill(reader->process, SIGKILL);
  while (waitpid(reader->process, NULL, 0) < 0 && errno == EINTR) {}
  free(reader);
}

// Milliseconds: a damaged file may keep HDF5 busy for ever.
enum { patience = 60000 };

// A reply that makes no sense is the last: nothing after it would be understood.
static bool ask(chdf5_reader *reader, const request *request, reply *reply) {
  bool answered = send_all(reader->socket, request, sizeof *request) &&
    receive_all(reader->socket, reply, sizeof *reply, patience);
  if (answered) return true;
  shutdown(reader->socket, SHUT_RDWR);
  return false;
}

static bool take(chdf5_reader *reader, void *bytes, size_t count) {
  if (receive_all(reader->socket, bytes, count, patience)) return true;
  shutdown(reader->socket, SHUT_RDWR);
  return false;
}

static bool prepare(request *request, operation operation, chdf5_id object, const char *name) {
  memset(request, 0, sizeof *request);
  request->operation = operation;
  request->object = object;
  if (name && strlen(name) >= sizeof request->name) return false;
  if (name) strcpy(request->name, name);
  return true;
}

chdf5_id chdf5_open_file(chdf5_reader *reader, const char *path) {
  request request;
  reply reply;
  return prepare(&request, open_file, 0, path) && ask(reader, &request, &reply) ? reply.value : -1;
}

chdf5_id chdf5_open_member(chdf5_reader *reader, chdf5_id group, const char *name, chdf5_kind *kind) {
  request request;
  reply reply = {.kind = chdf5_other};
  bool answered = prepare(&request, open_member, group, name) && ask(reader, &request, &reply);
  *kind = answered ? reply.kind : chdf5_other;
  return answered ? reply.value : -1;
}

void chdf5_close_object(chdf5_reader *reader, chdf5_id object) {
  request request;
  reply reply;
  if (prepare(&request, close_object, object, NULL)) ask(reader, &request, &reply);
}

int64_t chdf5_member_count(chdf5_reader *reader, chdf5_id group) {
  request request;
  reply reply;
  return prepare(&request, member_count, group, NULL) && ask(reader, &request, &reply) ? reply.value : -1;
}

int64_t chdf5_member_name(chdf5_reader *reader, chdf5_id group, int64_t index, char *name, size_t size) {
  request request;
  reply reply;
  prepare(&request, member_name, group, NULL);
  request.number = index;
  if (!ask(reader, &request, &reply)) return -1;
  if (reply.bytes >= size || (int64_t)reply.bytes != reply.value) {
    shutdown(reader->socket, SHUT_RDWR);
    return -1;
  }
  return take(reader, name, reply.bytes) ? reply.value : -1;
}

bool chdf5_describe(chdf5_reader *reader, chdf5_id dataset, chdf5_shape *shape) {
  request request;
  reply reply;
  if (!prepare(&request, describe, dataset, NULL) || !ask(reader, &request, &reply) || reply.value < 0) return false;
  *shape = reply.shape;
  return shape->rank >= 0 && shape->rank <= 32;
}

bool chdf5_read(chdf5_reader *reader, chdf5_id dataset, chdf5_type type, void *values, size_t bytes) {
  request request;
  reply reply;
  prepare(&request, read_numbers, dataset, NULL);
  request.type = type;
  request.number = (int64_t)bytes;
  if (!ask(reader, &request, &reply) || reply.value != 0) return false;
  if (reply.bytes == bytes) return take(reader, values, bytes);
  shutdown(reader->socket, SHUT_RDWR);
  return false;
}

void *chdf5_read_text(chdf5_reader *reader, chdf5_id dataset, size_t limit, size_t *bytes) {
  request request;
  reply reply;
  prepare(&request, read_text, dataset, NULL);
  request.number = (int64_t)limit;
  if (!ask(reader, &request, &reply) || reply.value != 0 || reply.bytes > limit) return NULL;
  *bytes = reply.bytes;
  void *texts = malloc(reply.bytes + 1);
  if (texts && take(reader, texts, reply.bytes)) return texts;
  free(texts);
  shutdown(reader->socket, SHUT_RDWR);
  return NULL;
}

bool chdf5_read_attribute(chdf5_reader *reader, chdf5_id object, const char *name, int64_t *value) {
  request request;
  reply reply;
  if (!prepare(&request, read_attribute, object, name) || !ask(reader, &request, &reply)) return false;
  *value = reply.value;
  return reply.kind == chdf5_other;
}
