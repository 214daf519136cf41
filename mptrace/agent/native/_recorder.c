/* The compiled twin of the hottest paths: SemLock's acquire, release and `with`, Connection's receive
   and send, and what every message passes through.

   What probes/semlock.py, probes/connection.py, waits.py and holds.py do in Python, with the same stores in the same order
   into the same file (wire/layout.py draws it). Nothing is decided here: where a call comes from, what becomes of a hot
   lock, what goes into the ring is asked of the Python functions that `configure` got; so rare things stay in Python, and
   what happens a million times a second does not leave this file. No lock, no allocation, no system call of its own (the
   clock is read in the vdso), and the GIL is released by nobody but the primitive that is called.

   Limited API of 3.10, one file for all later versions, whichever version's headers built it. Newer headers take None for
   immortal, which it is not to an older interpreter that loads this file: so references are counted by calling Py_IncRef and
   Py_DecRef, and no macro that returns a constant is used.

   Fork: Python attaches the child's own file (recorder.py). From the fork until then, and for ever in a child that Python
   does not know of (a fork() in C), all stores go `nowhere`. Threads know their entry by era, which every fork changes. */

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030A0000
#endif
#include <Python.h>
#include <structmember.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

typedef unsigned long long u64;

/* In the stable ABI for ever, but no longer in newer headers; Py_buffer is in the limited API from 3.11 on only. */
extern int PyObject_AsWriteBuffer(PyObject *object, void **address, Py_ssize_t *size);

/* Stable from 3.12 on, and in 3.11 as well; 3.10 has it not: there, arguments are packed into tuples. */
extern PyObject *PyObject_Vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names) __attribute__((weak));
extern PyObject *PyMethod_New(PyObject *function, PyObject *self); /* exported by all versions, as `types.MethodType` is */
enum { IMMUTABLE = 1 << 8, HAVE_VECTORCALL = 1 << 11 }; /* of a descriptor whose class could change, nothing is cached */
#define POSITIONAL(nargsf) ((Py_ssize_t)((nargsf) & ~((size_t)1 << (8 * sizeof(size_t) - 1))))

/* The numbers of wire/layout.py and wire/wait.py that are used here; the Python half compares LAYOUT before it uses us. */
enum { VERSION = 2, SIZE = 68096, H_UNREAD = 63, THREAD_WORDS = 24, T_IDENT = 0, T_STATE = 2, T_WAIT = 8 };
enum { T_TID = 1, RING = 35328 / 8, RING_RECORDS = 128, RING_WORDS = 8, R_WAITED = 1 };
enum { HELD = 12800 / 8, LOCKS = 512, CELLS = HELD + LOCKS, CELL_WORDS = 3 };
enum { S_STATE, S_KEY, S_SINCE, S_TIMEOUT, S_SITE, S_DETAIL, S_STACK, S_WORDS };
enum { ACQUIRE = 1, RECV = 2, SEND = 3, READY = 4, TIMED = 1, STALE_SITE = 2, SEM = 1, PIPE = 2, IN_USE = 1 };
enum { WORDS = SIZE / 8 };
enum { SEMAPHORE, LOCK, RLOCK };

static u64 nowhere[WORDS];
static u64 *words = nowhere; /* this process's file */
static u64 era = 1;          /* never the same in two incarnations of a process */

static unsigned char *region; /* the map that rare records go on in (_start.h); NULL: nowhere */

static __thread u64 my_entry, my_entry_era; /* first word of this thread's board entry */

static PyObject *ask_entry, *ask_note, *ask_foreign, *ask_look, *ask_rest, *tired;
static u64 fresh_ns, short_ns;

static PyObject *no_arguments, *just_false, *attribute, *f_lasti, *f_back;
static PyTypeObject *place_type, *end_type, *grip_type, *method_type;

static PyObject *new_reference(PyObject *object)
{
    Py_IncRef(object);
    return object;
}

static u64 clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

static void store(u64 word, u64 value)
{
    if (word < WORDS)
        words[word] = value;
}

/* Stores must reach the file in the order of the program: a process may be killed between any two of them. */
#define IN_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static void in_forked_child(void)
{
    words = nowhere;
    region = NULL;
    era++;
}

/* ---- the ring --------------------------------------------------------------------------------------------------- */

static u64 ring_seq; /* of the last record */

/* As recorder.ring: both numbers of a record are stored around it, so that one that was being written is not believed. */
static void ring_record(u64 kind, u64 tid, const u64 *numbers)
{
    u64 seq = ++ring_seq, *record = words + RING + (seq - 1) % RING_RECORDS * RING_WORDS;
    record[0] = seq;
    IN_ORDER();
    record[1] = clock_ns();
    record[2] = kind | tid << 32;
    memcpy(record + 3, numbers, 4 * sizeof(u64));
    IN_ORDER();
    record[7] = seq;
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* One operation on one resource, or a lock: the base of waits.Place and holds.Cell. */
typedef struct {
    PyObject_HEAD
    u64 key, since, site, stack; /* where the program last waited here */
    u64 chain;                   /* of the calls that led there */
    u64 held;                    /* word that says who holds the lock */
    u64 taken;                   /* era in which a thread of this process took it; 0: given back */
    char lean;                   /* it is too hot for notes */
    char fixed;                  /* the library itself uses it, always from the same place: that need not be looked up again */
    int kind;
    PyObject *take, *give, *count; /* the primitive's own methods; NULL: not equipped */
} Place;

static PyMemberDef place_members[] = {
    {"key", T_ULONGLONG, offsetof(Place, key), 0, NULL},     {"since", T_ULONGLONG, offsetof(Place, since), 0, NULL},
    {"site", T_ULONGLONG, offsetof(Place, site), 0, NULL},   {"stack", T_ULONGLONG, offsetof(Place, stack), 0, NULL},
    {"held", T_ULONGLONG, offsetof(Place, held), 0, NULL},   {"lean", T_BOOL, offsetof(Place, lean), 0, NULL},
    {"fixed", T_BOOL, offsetof(Place, fixed), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* A connection's end: the base of connection.End. `sent` and `received` are the words of its tally. */
typedef struct {
    PyObject_HEAD
    u64 key, used, got, sent, received;
    PyObject *recv, *send, *poll; /* Places */
} End;

static PyMemberDef end_members[] = {
    {"key", T_ULONGLONG, offsetof(End, key), 0, NULL},   {"used", T_ULONGLONG, offsetof(End, used), 0, NULL},
    {"got", T_ULONGLONG, offsetof(End, got), 0, NULL},   {"sent", T_ULONGLONG, offsetof(End, sent), 0, NULL},
    {"received", T_ULONGLONG, offsetof(End, received), 0, NULL},
    {"recv", T_OBJECT_EX, offsetof(End, recv), 0, NULL}, {"send", T_OBJECT_EX, offsetof(End, send), 0, NULL},
    {"poll", T_OBJECT_EX, offsetof(End, poll), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* What an `acquire` or `release` is bound to; it looks like the SemLock that the program's own would be bound to. */
typedef struct {
    PyObject_HEAD
    Place *place;
} Grip;

/* A method of a class: binds as a function does, and has whatever attributes `originals.disguise` gives it. */
typedef struct Method {
    PyObject_HEAD
    PyObject *original, *attributes;
    PyObject *python; /* the whole of it in Python, for what is rare */
    PyObject *tell;   /* what to tell of a call that was made here: (arguments, result, exception) */
    PyObject *gate;   /* a set of types that nothing is noted of, or a list that is not empty while all must be noted */
    Py_ssize_t large; /* size that is worth a note */
    PyObject *(*run)(struct Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names);
    PyObject *(*vectorcall)(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names);
} Method;

static PyMemberDef method_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Method, attributes), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Method, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef method_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* A subclass made in Python comes here too, and leaves freeing its type to us. */
static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DecRef((PyObject *)type);
}

static void place_dealloc(PyObject *self)
{
    Py_DecRef(((Place *)self)->take);
    Py_DecRef(((Place *)self)->give);
    Py_DecRef(((Place *)self)->count);
    free_object(self);
}

/* What an End was last found on, so that a hot connection's is not looked up each time: not referred to, only compared. An End
   that is made may go on an object at an address that was another's; one that goes is not to be found any more. */
static struct {
    PyObject *object, *end;
} found_last[8];

static PyObject *end_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    memset(found_last, 0, sizeof(found_last));
    return PyType_GenericNew(type, args, kwargs);
}

static void end_dealloc(PyObject *self)
{
    memset(found_last, 0, sizeof(found_last));
    Py_DecRef(((End *)self)->recv);
    Py_DecRef(((End *)self)->send);
    Py_DecRef(((End *)self)->poll);
    free_object(self);
}

static void grip_dealloc(PyObject *self)
{
    Py_DecRef((PyObject *)((Grip *)self)->place);
    free_object(self);
}

static void method_dealloc(PyObject *self)
{
    Py_DecRef(((Method *)self)->original);
    Py_DecRef(((Method *)self)->attributes);
    Py_DecRef(((Method *)self)->python);
    Py_DecRef(((Method *)self)->tell);
    Py_DecRef(((Method *)self)->gate);
    free_object(self);
}

static PyObject *allocate(PyTypeObject *type)
{
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

/* ---- asking Python ---------------------------------------------------------------------------------------------- */

/* An Exception of ours is nobody's business; KeyboardInterrupt and its like came from a signal: -1, they must get through. */
static int forgive(void)
{
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Clear();
    return 0;
}

static int ask(PyObject *function, PyObject *about)
{
    PyObject *answer;
    if (words == nowhere || function == NULL)
        return 0;
    answer = PyObject_CallFunctionObjArgs(function, about, NULL);
    if (answer == NULL)
        return forgive();
    Py_DecRef(answer);
    return 0;
}

/* Find the first word of the wait slot of this thread; 0: it has none. The entry's own words tell whether it is still ours:
   threading's end of a thread gives it to another. -1: an exception of the host's. */
static int find_slot(u64 *slot)
{
    PyObject *answer;
    u64 entry = my_entry;
    if (my_entry_era != era || words[entry + T_STATE] != IN_USE || words[entry + T_IDENT] != PyThread_get_thread_ident()) {
        *slot = 0;
        if (words == nowhere || ask_entry == NULL)
            return 0;
        answer = PyObject_CallObject(ask_entry, NULL);
        if (answer == NULL)
            return forgive();
        entry = PyLong_AsUnsignedLongLong(answer);
        Py_DecRef(answer);
        if (entry == 0 || entry > WORDS - THREAD_WORDS)
            return forgive();
        my_entry = entry;
        my_entry_era = era;
    }
    *slot = entry + T_WAIT;
    return 0;
}

/* ---- where a call comes from ------------------------------------------------------------------------------------ */

enum { FRAMES = 40 };

/* A number for the calls that lead here: the same as last time means the same place and stack, which need not be looked up again.
   Code objects that were told are kept alive, so that an address is always the same code's. 0: unknown. */
static u64 chain_of_calls(void)
{
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(PyThreadState_Get()), *next, *last;
    u64 chain = 14695981039346656037ull;
    for (int depth = 0; frame != NULL && frame != Py_None && depth < FRAMES; depth++) {
        PyObject *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
        chain = (chain ^ (u64)(size_t)code) * 1099511628211ull;
        Py_DecRef(code);
        last = PyObject_GetAttr(frame, f_lasti);
        chain = (chain ^ (u64)(last != NULL ? PyLong_AsLong(last) : -1)) * 1099511628211ull;
        Py_DecRef(last);
        next = PyObject_GetAttr(frame, f_back);
        Py_DecRef(frame);
        frame = next;
    }
    Py_DecRef(frame);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return chain;
}

/* Look up where this wait is, unless the same calls led to it last time. -1: an exception of the host's. */
static int look(Place *place, u64 before)
{
    u64 chain = chain_of_calls();
    if (before && chain && chain == place->chain && place->stack)
        return 0;
    place->chain = chain;
    return ask(ask_look, (PyObject *)place);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

typedef struct {
    u64 slot, era;
    u64 outer[S_WORDS]; /* what was waited for outside of it: a signal handler may wait inside a wait */
} Wait;

static void restore(u64 slot, const u64 *outer)
{
    for (int word = S_KEY; word < S_WORDS; word++)
        words[slot + word] = outer[word];
    IN_ORDER();
    words[slot + S_STATE] = outer[S_STATE];
}

/* Seconds as the program gave them to nanoseconds; 0 if they are no number that can be noted, which the primitive refuses. */
static int limit_of(PyObject *timeout, u64 *limit_ns)
{
    double ns;
    if (!PyFloat_CheckExact(timeout) && !PyLong_CheckExact(timeout) && !PyBool_Check(timeout))
        return 0;
    ns = PyFloat_AsDouble(timeout) * 1e9;
    if (PyErr_Occurred()) /* an int that no double can hold */
        PyErr_Clear(), ns = Py_HUGE_VAL;
    if (!(ns - ns == 0.0)) /* not finite */
        return 0;
    *limit_ns = ns <= 0.0 ? 0 : ns >= 4611686018427387904.0 ? 1ull << 62 : (u64)ns;
    return 1;
}

/* Enter a wait with everything noted; -1: an exception of the host's. As waits.begin. */
static int begin(Wait *wait, Place *place, u64 state, PyObject *timeout, u64 detail)
{
    u64 fill[S_WORDS], now, limit_ns = 0, before = place->since, slot;
    wait->slot = 0;
    if (find_slot(&slot) < 0)
        return -1;
    if (slot == 0)
        return 0;
    memcpy(wait->outer, words + slot, sizeof(wait->outer));
    place->since = now = clock_ns();
    if (now - before < fresh_ns || (place->fixed && place->stack))
        state |= STALE_SITE << 16;
    else if (look(place, before) < 0)
        return -1;
    if (timeout != NULL && timeout != Py_None) {
        if (!limit_of(timeout, &limit_ns))
            return 0;
        state |= TIMED << 16;
    }
    if (PyList_Size(tired) > 0) {
        PyObject *at = PyLong_FromUnsignedLongLong(now);
        int trouble = at != NULL ? ask(ask_rest, at) : forgive();
        Py_DecRef(at);
        if (trouble < 0)
            return -1;
    }
    memcpy(fill, (u64[S_WORDS]){state, place->key, now, limit_ns, place->site, detail, place->stack}, sizeof(fill));
    wait->slot = slot;
    wait->era = era;
    words[slot + S_STATE] = 0;
    IN_ORDER();
    restore(slot, fill);
    return 0;
}

/* Leave a wait, and return the result of what was waited for, or its exception. */
static PyObject *end(Wait *wait, PyObject *result)
{
    u64 was[S_WORDS], slot = wait->slot;
    if (slot == 0 || wait->era != era)
        return result;
    memcpy(was, words + slot, sizeof(was));
    words[slot + S_STATE] = 0;
    IN_ORDER();
    if (clock_ns() - was[S_SINCE] > short_ns)
        ring_record(R_WAITED, words[slot - T_WAIT + T_TID], (u64[4]){was[S_STATE] & 0xFFFF, was[S_KEY], was[S_SINCE], was[S_SITE]});
    if (wait->outer[S_STATE])
        restore(slot, wait->outer);
    return result;
}

/* ---- SemLock ---------------------------------------------------------------------------------------------------- */

/* Make the call that is going to block, with the program's own arguments. */
static PyObject *take_blocking(Place *place, PyObject *args, PyObject *kwargs, PyObject *timeout)
{
    Wait wait;
    if (begin(&wait, place, ACQUIRE | SEM << 8, timeout, 0) < 0)
        return NULL;
    return end(&wait, PyObject_Call(place->take, args, kwargs));
}

static long depth(Place *place)
{
    PyObject *answer = PyObject_CallObject(place->count, NULL);
    long found = answer != NULL ? PyLong_AsLong(answer) : -1;
    Py_DecRef(answer);
    if (PyErr_Occurred())
        PyErr_Clear();
    return found;
}

static PyObject *give_back(Place *place);

/* The lock was taken: say who holds it. Returns `result`, True; if a signal handler of the host raises meanwhile, the lock
   is given back first, since the program will not know that it has it. */
static PyObject *took(Place *place, PyObject *result)
{
    PyObject *type, *value, *trace;
    if (place->kind == SEMAPHORE || (place->kind == RLOCK && depth(place) != 1))
        return result;
    place->taken = era;
    store(place->held, PyThread_get_thread_ident());
    if (place->fixed && place->held - HELD < LOCKS) {
        words[CELLS + (place->held - HELD) * CELL_WORDS + 1] = clock_ns();
        return result;
    }
    if (place->lean || ask(ask_note, (PyObject *)place) >= 0)
        return result;
    PyErr_Fetch(&type, &value, &trace);
    Py_DecRef(result);
    Py_DecRef(give_back(place));
    PyErr_Restore(type, value, trace);
    return NULL;
}

/* Take it, however long that takes: without blocking first, as sem_wait itself does. */
static PyObject *take_for_ever(Place *place)
{
    PyObject *result = PyObject_Call(place->take, just_false, NULL);
    if (result == Py_False) {
        Py_DecRef(result);
        result = take_blocking(place, no_arguments, NULL, NULL);
    }
    return result == Py_True ? took(place, result) : result;
}

/* Take it with other arguments; what the primitive may refuse must go to it before anything is tried. */
static PyObject *take_with(Place *place, PyObject *args, PyObject *kwargs, PyObject *block, PyObject *timeout)
{
    PyObject *result = NULL;
    int usual = (block == NULL || PyBool_Check(block) || PyLong_CheckExact(block)) &&
                (timeout == NULL || timeout == Py_None || PyLong_CheckExact(timeout) || PyFloat_CheckExact(timeout));
    if (usual && block != NULL && PyObject_IsTrue(block) != 1)
        return PyObject_Call(place->take, args, kwargs);
    if (usual)
        result = PyObject_Call(place->take, just_false, NULL);
    if (!usual || result == Py_False) {
        Py_DecRef(result);
        result = take_blocking(place, args, kwargs, timeout);
    }
    return result;
}

/* Arguments as the interpreter hands them to us, as a tuple and a dict (NULL: none). Returns 0, or -1 with an exception. */
static int pack(PyObject *const *given, Py_ssize_t positional, PyObject *names, PyObject **args, PyObject **kwargs)
{
    Py_ssize_t named = names != NULL ? PyTuple_Size(names) : 0, at;
    *kwargs = NULL;
    if ((*args = PyTuple_New(positional)) == NULL || (named && (*kwargs = PyDict_New()) == NULL))
        return -1;
    for (at = 0; at < positional; at++)
        PyTuple_SetItem(*args, at, new_reference(given[at]));
    for (at = 0; at < named; at++)
        if (PyDict_SetItem(*kwargs, PyTuple_GetItem(names, at), given[positional + at]) < 0)
            return -1;
    return 0;
}

/* Read block and timeout; NULL stays what was not given. Returns 0 if the primitive would not take these arguments. */
static int read_arguments(PyObject *const *given, Py_ssize_t positional, PyObject *names, PyObject **block, PyObject **timeout)
{
    Py_ssize_t named = names != NULL ? PyTuple_Size(names) : 0;
    *block = positional > 0 ? given[0] : NULL;
    *timeout = positional > 1 ? given[1] : NULL;
    for (Py_ssize_t at = 0; at < named; at++) {
        PyObject *name = PyTuple_GetItem(names, at);
        PyObject **which = PyUnicode_CompareWithASCIIString(name, "block") == 0     ? block
                           : PyUnicode_CompareWithASCIIString(name, "timeout") == 0 ? timeout
                                                                                    : NULL;
        if (which == NULL || *which != NULL)
            return 0;
        *which = given[positional + at];
    }
    return positional <= 2;
}

static PyObject *acquire(PyObject *self, PyObject *const *given, Py_ssize_t positional, PyObject *names)
{
    Place *place = ((Grip *)self)->place;
    PyObject *block, *timeout, *args, *kwargs, *result = NULL;
    int readable;
    if (positional == 0 && names == NULL)
        return take_for_ever(place);
    readable = read_arguments(given, positional, names, &block, &timeout);
    if (readable && (block == NULL || block == Py_True) && (timeout == NULL || timeout == Py_None))
        return take_for_ever(place);
    if (pack(given, positional, names, &args, &kwargs) == 0)
        result = readable ? take_with(place, args, kwargs, block, timeout) : PyObject_Call(place->take, args, kwargs);
    Py_DecRef(args);
    Py_DecRef(kwargs);
    return result == Py_True ? took(place, result) : result;
}

/* Give it back; the held word is cleared before. A Lock's error says that nobody holds it, an RLock's that it is not ours. */
static PyObject *give_back(Place *place)
{
    PyObject *result, *type = NULL, *value, *trace;
    u64 owner = place->held < WORDS ? words[place->held] : 0;
    if (place->kind == LOCK) {
        if (place->taken != era && ask(ask_foreign, (PyObject *)place) < 0)
            PyErr_Fetch(&type, &value, &trace);
        place->taken = 0;
        store(place->held, 0);
    } else if (depth(place) == 1) {
        store(place->held, 0);
    }
    result = PyObject_Call(place->give, no_arguments, NULL);
    if (result == NULL && place->kind == RLOCK)
        store(place->held, owner);
    if (type != NULL) { /* a signal handler of the host raised while we asked */
        Py_DecRef(result);
        result = NULL;
        PyErr_Restore(type, value, trace);
    }
    return result;
}

static PyObject *release(PyObject *self, PyObject *const *given, Py_ssize_t positional, PyObject *names)
{
    Place *place = ((Grip *)self)->place;
    PyObject *args, *kwargs, *result = NULL;
    if (positional == 0 && names == NULL)
        return give_back(place);
    if (pack(given, positional, names, &args, &kwargs) == 0) /* to be refused in the primitive's own words */
        result = PyObject_Call(place->give, args, kwargs);
    Py_DecRef(args);
    Py_DecRef(kwargs);
    return result;
}

#include "_start.h"
#include "_methods.h"

/* ---- the module ------------------------------------------------------------------------------------------------- */

/* Filled by `looks`, from the primitive's own documentation: what inspect shows is what it showed. */
static PyMethodDef acquire_def = {"acquire", (PyCFunction)(void (*)(void))acquire, METH_FASTCALL | METH_KEYWORDS, NULL};
static PyMethodDef release_def = {"release", (PyCFunction)(void (*)(void))release, METH_FASTCALL | METH_KEYWORDS, NULL};

static PyObject *looks(PyObject *module, PyObject *args)
{
    const char *acquire_doc, *release_doc;
    (void)module;
    if (!PyArg_ParseTuple(args, "ss:looks", &acquire_doc, &release_doc))
        return NULL;
    if (acquire_def.ml_doc == NULL) {
        acquire_def.ml_doc = strdup(acquire_doc);
        release_def.ml_doc = strdup(release_doc);
    }
    return new_reference(Py_None);
}

/* configure(entry, note, foreign, look, rest, tired, fresh_ns, short_ns): the functions to ask, each with one argument but the
   first: a Place, or for rest the time. */
static PyObject *configure(PyObject *module, PyObject *args)
{
    PyObject *given[6], **kept[] = {&ask_entry, &ask_note, &ask_foreign, &ask_look, &ask_rest, &tired};
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOOOKK:configure", &given[0], &given[1], &given[2], &given[3], &given[4], &given[5],
                          &fresh_ns, &short_ns))
        return NULL;
    if (!PyList_Check(given[5])) {
        PyErr_SetString(PyExc_TypeError, "tired: a list");
        return NULL;
    }
    for (int at = 0; at < 6; at++) {
        PyObject *before = *kept[at];
        *kept[at] = new_reference(given[at]);
        Py_DecRef(before);
    }
    return new_reference(Py_None);
}

/* attach(map): from now on write to this file, for as long as the process lives. */
static PyObject *attach(PyObject *module, PyObject *map)
{
    void *address;
    Py_ssize_t size;
    (void)module;
    if (PyObject_AsWriteBuffer(map, &address, &size) < 0)
        return NULL;
    if (size < SIZE || (size_t)address % sizeof(u64)) {
        PyErr_SetString(PyExc_ValueError, "not a recorder file");
        return NULL;
    }
    Py_IncRef(map); /* for ever: it may be the memory of a bytearray */
    words = address;
    set_region(address, LOG, LOG + LOG_SIZE);
    era++;
    ring_seq = 0;
    return new_reference(Py_None);
}

/* equip(place, semlock, kind) -> (acquire, release): wrappers of a SemLock's methods that note what they do in `place`. */
static PyObject *equip(PyObject *module, PyObject *args)
{
    PyObject *found, *semlock, *methods[2] = {NULL, NULL}, *result = NULL;
    Grip *grip = NULL;
    Place *place;
    int kind;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!Oi:equip", place_type, &found, &semlock, &kind))
        return NULL;
    place = (Place *)found;
    if (place->take != NULL || kind < SEMAPHORE || kind > RLOCK) {
        PyErr_SetString(PyExc_ValueError, "equipped before, or of no known kind");
        return NULL;
    }
    place->count = PyObject_GetAttrString(semlock, "_count");
    place->give = place->count != NULL ? PyObject_GetAttrString(semlock, "release") : NULL;
    place->take = place->give != NULL ? PyObject_GetAttrString(semlock, "acquire") : NULL;
    place->kind = kind;
    if (place->take == NULL || (grip = (Grip *)allocate(grip_type)) == NULL)
        return NULL;
    grip->place = (Place *)new_reference((PyObject *)place);
    methods[0] = PyCFunction_NewEx(&acquire_def, (PyObject *)grip, NULL);
    methods[1] = PyCFunction_NewEx(&release_def, (PyObject *)grip, NULL);
    if (methods[0] != NULL && methods[1] != NULL)
        result = Py_BuildValue("OO", methods[0], methods[1]);
    Py_DecRef(methods[0]);
    Py_DecRef(methods[1]);
    Py_DecRef((PyObject *)grip);
    return result;
}

/* method(name, original, python, tell, gate, large) -> what to set in the class. */
static PyObject *method(PyObject *module, PyObject *args)
{
    static const struct {
        const char *name;
        PyObject *(*run)(Method *, PyObject *const *, Py_ssize_t, PyObject *);
    } known[] = {{"enter", run_enter}, {"exit", run_exit}, {"recv", run_recv}, {"send", run_send},
                 {"dumps", run_dumps}, {"loads", run_loads}, {"put", run_put}, {"code", run_code}, {"ready", run_ready}};
    const char *name;
    PyObject *original, *python = Py_None, *tell = Py_None, *gate = Py_None;
    Py_ssize_t large = 0;
    Method *made;
    (void)module;
    if (!PyArg_ParseTuple(args, "sO|OOOn:method", &name, &original, &python, &tell, &gate, &large))
        return NULL;
    for (size_t at = 0; at < sizeof(known) / sizeof(*known); at++) {
        if (strcmp(name, known[at].name) == 0) {
            if ((made = (Method *)allocate(method_type)) != NULL) {
                made->original = new_reference(original);
                made->python = new_reference(python);
                made->tell = new_reference(tell);
                made->gate = new_reference(gate);
                made->large = large;
                made->run = known[at].run;
                made->vectorcall = method_vectorcall;
            }
            return (PyObject *)made;
        }
    }
    PyErr_SetString(PyExc_ValueError, "no such method");
    return NULL;
}

/* goes_on_with(traceback): a bare `raise` goes on with this. Since Python 3.11 that is the exception's own; before, it is kept
   beside it, where Python code cannot reach it (agent/failure.py). */
static PyObject *goes_on_with(PyObject *module, PyObject *traceback)
{
    PyObject *type, *value, *before;
    (void)module;
    PyErr_GetExcInfo(&type, &value, &before);
    Py_DecRef(before);
    PyErr_SetExcInfo(type, value, traceback == Py_None ? NULL : new_reference(traceback));
    return new_reference(Py_None);
}

/* ring(kind, a, b, c, d, tid): the ring has one counter, which is ours. */
static PyObject *ring(PyObject *module, PyObject *args)
{
    u64 kind, tid, numbers[4];
    (void)module;
    if (!PyArg_ParseTuple(args, "KKKKKK:ring", &kind, &numbers[0], &numbers[1], &numbers[2], &numbers[3], &tid))
        return NULL;
    ring_record(kind, tid, numbers);
    return new_reference(Py_None);
}

static PyMethodDef functions[] = {
    {"ring", ring, METH_VARARGS, NULL},     {"logger", logger, METH_O, NULL},             {"append", append, METH_O, NULL},
    {"log_to", log_to, METH_VARARGS, NULL}, {"file_map", file_map, METH_VARARGS, NULL},
    {"attach", attach, METH_O, NULL},       {"configure", configure, METH_VARARGS, NULL}, {"equip", equip, METH_VARARGS, NULL},
    {"looks", looks, METH_VARARGS, NULL},   {"method", method, METH_VARARGS, NULL},       {"goes_on_with", goes_on_with, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot place_slots[] = {
    {Py_tp_new, (void *)PyType_GenericNew}, {Py_tp_dealloc, (void *)place_dealloc}, {Py_tp_members, place_members}, {0, NULL}};
static PyType_Slot end_slots[] = {
    {Py_tp_new, (void *)end_new}, {Py_tp_dealloc, (void *)end_dealloc}, {Py_tp_members, end_members}, {0, NULL}};
static PyType_Slot grip_slots[] = {{Py_tp_dealloc, (void *)grip_dealloc}, {0, NULL}};
static PyType_Slot method_slots[] = {
    {Py_tp_call, (void *)method_call},       {Py_tp_descr_get, (void *)method_get}, {Py_tp_repr, (void *)method_repr},
    {Py_tp_dealloc, (void *)method_dealloc}, {Py_tp_members, method_members},       {Py_tp_getset, method_getset},
    {Py_tp_methods, method_methods},         {0, NULL}};

enum { BASE = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, HIDDEN = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION };
static PyType_Spec place_spec = {"_recorder.Place", sizeof(Place), 0, BASE, place_slots};
static PyType_Spec end_spec = {"_recorder.End", sizeof(End), 0, BASE, end_slots};
static PyType_Spec grip_spec = {"_multiprocessing.SemLock", sizeof(Grip), 0, HIDDEN, grip_slots};
static PyType_Spec method_spec = {"builtins.function", sizeof(Method), 0, HIDDEN | Py_TPFLAGS_METHOD_DESCRIPTOR | IMMUTABLE | HAVE_VECTORCALL, method_slots};

static int make_types(void)
{
    static char made;
    if (made) {
        PyErr_SetString(PyExc_ImportError, "loaded already");
        return -1;
    }
    made = 1;
    place_type = (PyTypeObject *)PyType_FromSpec(&place_spec);
    end_type = (PyTypeObject *)PyType_FromSpec(&end_spec);
    grip_type = (PyTypeObject *)PyType_FromSpec(&grip_spec);
    method_type = (PyTypeObject *)PyType_FromSpec(&method_spec);
    return place_type && end_type && grip_type && method_type ? 0 : -1;
}

/* The state above is one for the whole process: sub-interpreters use the Python paths. */
static int execute(PyObject *module)
{
    PyObject *layout;
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError, "for the main interpreter only");
        return -1;
    }
    no_arguments = PyTuple_New(0);
    just_false = Py_BuildValue("(O)", Py_False);
    attribute = PyUnicode_InternFromString("_mptrace");
    f_lasti = PyUnicode_InternFromString("f_lasti");
    f_back = PyUnicode_InternFromString("f_back");
    form = PyUnicode_InternFromString("form");
    make_crc_table();
    layout = Py_BuildValue("(iiiiiiiiiiiiiiiiiiiiiiii)", VERSION, SIZE, H_UNREAD, THREAD_WORDS, T_IDENT, T_STATE, T_WAIT, ACQUIRE, RECV, SEND,
                           SEM, PIPE, S_STACK, HELD, CELLS, CELL_WORDS, READY,
                           T_TID, RING, RING_RECORDS, RING_WORDS, R_WAITED, LOG, LOG_SIZE);
    if (!no_arguments || !just_false || !form || !attribute || !f_lasti || !f_back || !layout || make_types() < 0)
        return -1;
    if (PyModule_AddObjectRef(module, "LAYOUT", layout) < 0 || PyModule_AddObjectRef(module, "Place", (PyObject *)place_type) < 0 ||
        PyModule_AddObjectRef(module, "End", (PyObject *)end_type) < 0)
        return -1;
    Py_DecRef(layout);
    if (pthread_atfork(NULL, NULL, in_forked_child) != 0) {
        PyErr_SetString(PyExc_ImportError, "pthread_atfork");
        return -1;
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)execute}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_recorder", NULL, 0, functions, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__recorder(void)
{
    return PyModuleDef_Init(&definition);
}
