#include "cmujoco.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The few declarations of OSMesa and EGL that are used; the libraries are opened at run time, if they are there.
enum { GL_UNSIGNED_BYTE = 0x1401, OSMESA_RGBA = 0x1908 };
enum {
  EGL_NONE = 0x3038, EGL_OPENGL_API = 0x30A2, EGL_PLATFORM_DEVICE = 0x313F, EGL_PLATFORM_SURFACELESS = 0x31DD,
};
static const int32_t egl_config[] = {
  0x3024, 8, 0x3023, 8, 0x3022, 8, 0x3021, 8,  // bits of red, green, blue, alpha
  0x3025, 24, 0x3026, 8,                       // of depth and stencil
  0x3033, 1, 0x3040, 8, EGL_NONE,              // for pixel buffers, rendered to by OpenGL
};

struct cmujoco_gl {
  bool is_egl;
  void *context;
  // OSMesa
  int width, height;
  void *pixels;
  uint8_t (*osmesa_make_current)(void *, void *, uint32_t, int32_t, int32_t);
  void (*osmesa_destroy)(void *);
  // EGL
  void *display;
  uint32_t (*egl_make_current)(void *, void *, void *, void *);
  uint32_t (*egl_destroy)(void *, void *);
};

// MuJoCo looks for the library's functions among the global ones.
static void *open_library(const char *name) { return dlopen(name, RTLD_NOW | RTLD_GLOBAL); }

static bool create_osmesa(cmujoco_gl *gl, void *library) {
  void *(*create)(uint32_t, int32_t, int32_t, int32_t, void *) = dlsym(library, "OSMesaCreateContextExt");
  gl->osmesa_make_current = dlsym(library, "OSMesaMakeCurrent");
  gl->osmesa_destroy = dlsym(library, "OSMesaDestroyContext");
  if (!create || !gl->osmesa_make_current || !gl->osmesa_destroy) return false;
  gl->pixels = calloc((size_t)gl->width * (size_t)gl->height, 4);
  if (!gl->pixels) return false;
  gl->context = create(OSMESA_RGBA, 24, 8, 0, NULL);
  return gl->context != NULL;
}

static bool create_egl(cmujoco_gl *gl, void *library) {
  void *(*address)(const char *) = dlsym(library, "eglGetProcAddress");
  uint32_t (*initialize)(void *, int32_t *, int32_t *) = dlsym(library, "eglInitialize");
  uint32_t (*bind)(uint32_t) = dlsym(library, "eglBindAPI");
  uint32_t (*choose)(void *, const int32_t *, void **, int32_t, int32_t *) = dlsym(library, "eglChooseConfig");
  void *(*create)(void *, void *, void *, const int32_t *) = dlsym(library, "eglCreateContext");
  gl->egl_make_current = dlsym(library, "eglMakeCurrent");
  gl->egl_destroy = dlsym(library, "eglDestroyContext");
  if (!address || !initialize || !bind || !choose || !create || !gl->egl_make_current || !gl->egl_destroy) return false;
  void *(*platform_display)(uint32_t, void *, const int32_t *) = address("eglGetPlatformDisplayEXT");
  uint32_t (*devices)(int32_t, void **, int32_t *) = address("eglQueryDevicesEXT");
  if (!platform_display) return false;

  void *found[16];
  int32_t count = 0;
  if (!devices || !devices(16, found, &count)) count = 0;
  // Every device, then Mesa without one.
  for (int32_t i = 0; i <= count && !gl->context; i++) {
    void *display = i < count ? platform_display(EGL_PLATFORM_DEVICE, found[i], NULL)
                              : platform_display(EGL_PLATFORM_SURFACELESS, NULL, NULL);
    void *config = NULL;
    int32_t configs = 0;
    if (!display || !initialize(display, NULL, NULL) || !bind(EGL_OPENGL_API)) continue;
    if (!choose(display, egl_config, &config, 1, &configs) || configs == 0) continue;
    gl->display = display;
    gl->context = create(display, config, NULL, NULL);
  }
  return gl->context != NULL;
}

cmujoco_gl *cmujoco_gl_create(bool is_egl, const char *library_name, int width, int height) {
  void *library = open_library(library_name);
  if (!library) return NULL;
  cmujoco_gl *gl = calloc(1, sizeof *gl);
  if (!gl) return NULL;
  gl->is_egl = is_egl;
  gl->width = width;
  gl->height = height;
  if (!(is_egl ? create_egl(gl, library) : create_osmesa(gl, library)) || !cmujoco_gl_enter(gl)) {
    cmujoco_gl_destroy(gl);
    return NULL;
  }
  cmujoco_gl_leave(gl);
  return gl;
}

bool cmujoco_gl_enter(cmujoco_gl *gl) {
  if (gl->is_egl) return gl->egl_make_current(gl->display, NULL, NULL, gl->context);
  return gl->osmesa_make_current(gl->context, gl->pixels, GL_UNSIGNED_BYTE, gl->width, gl->height);
}

void cmujoco_gl_leave(cmujoco_gl *gl) {
  if (gl->is_egl) {
    gl->egl_make_current(gl->display, NULL, NULL, NULL);
  } else {
    gl->osmesa_make_current(NULL, NULL, 0, 0, 0);
  }
}

void cmujoco_gl_destroy(cmujoco_gl *gl) {
  if (!gl) return;
  if (gl->context && gl->is_egl) gl->egl_destroy(gl->display, gl->context);
  if (gl->context && !gl->is_egl) gl->osmesa_destroy(gl->context);
  free(gl->pixels);
  free(gl);
}

// MuJoCo ends the process on an error unless it is caught.
static _Thread_local jmp_buf *catcher;
static _Thread_local char *caught;
static _Thread_local size_t caught_size;

static void catch_error(const char *message) {
  if (!catcher) return;
  strncpy(caught, message, caught_size - 1);
  longjmp(*catcher, 1);
}

bool cmujoco_make_context(const mjModel *model, mjrContext *context, char *reason, size_t reason_size) {
  void (*before)(const char *) = mju_user_error;
  jmp_buf here;
  bool made = false;
  caught = reason;
  caught_size = reason_size;
  catcher = &here;
  mju_user_error = catch_error;
  if (setjmp(here) == 0) {
    mjr_makeContext(model, context, mjFONTSCALE_150);
    made = true;
  }
  catcher = NULL;
  mju_user_error = before;
  return made;
}
