/* Part of _recorder.c: the file of a process and its rare records, for short lives: a forked child pays for each page of memory
   that it is the first to write to, and Python writes to one at nearly every name it looks at. As mapping.py and recorder.py. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOG = 43520, LOG_SIZE = 24 * 1024, PREFIX = 8, BODY = 16, TEXT_LIMIT = 6000, FIELDS = 16, WRITABLE = 0x200 /* PyBUF_WRITE */ };

static size_t tail, limit; /* of the records in the region, in bytes */
static unsigned int crc_table[256];
static PyObject *form;

static void set_region(void *map, size_t from, size_t to)
{
    region = map;
    tail = from;
    limit = to;
}

static void make_crc_table(void)
{
    for (unsigned int byte = 0; byte < 256; byte++) {
        unsigned int crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        crc_table[byte] = crc;
    }
}

static unsigned int crc32_of(const unsigned char *bytes, size_t size)
{
    unsigned int crc = 0xFFFFFFFFu;
    while (size--)
        crc = crc >> 8 ^ crc_table[(crc ^ *bytes++) & 0xFF];
    return ~crc;
}

/* The length makes it a record: stored last, together with the checksum. The file is zero behind its last record. */
static void finish_record(size_t length)
{
    u64 prefix = length | (u64)crc32_of(region + tail + PREFIX, length) << 32;
    IN_ORDER();
    *(u64 *)(void *)(region + tail) = prefix;
    tail += PREFIX + ((length + 7) & ~(size_t)7);
}

static int has_room(size_t length)
{
    return tail + PREFIX + ((length + 7) & ~(size_t)7) + 8 <= limit;
}

typedef struct {
    const char *text; /* NULL: a number */
    Py_ssize_t size;
    u64 number;
} Field;

/* Measure one value; 0: what it takes is left to Python (a long text, one that is none, one that UTF-8 cannot hold). */
static int measure(Field *field, char type, PyObject *value)
{
    field->text = NULL;
    if (type == 'i') {
        field->number = PyLong_Check(value) ? PyLong_AsUnsignedLongLongMask(value) : (u64)-1;
        return 1;
    }
    field->text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &field->size) : NULL;
    PyErr_Clear();
    return field->text != NULL && field->size <= TEXT_LIMIT;
}

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static size_t body_size(const Field *fields, Py_ssize_t count)
{
    size_t size = BODY;
    for (const Field *field = fields; field < fields + count; field++)
        size += field->text != NULL ? 2 + (size_t)field->size : 8;
    return size;
}

static void write_record(const char *number, const Field *fields, Py_ssize_t count)
{
    unsigned char *to = region + tail + PREFIX;
    unsigned int tid = (unsigned int)syscall(SYS_gettid);
    u64 now = clock_ns();
    to = put(put(put(put(to, number, 2), "\0", 2), &tid, 4), &now, 8);
    for (const Field *field = fields; field < fields + count; field++) {
        unsigned short size = (unsigned short)field->size;
        to = field->text != NULL ? put(put(to, &size, 2), field->text, (size_t)size) : put(to, &field->number, 8);
    }
    finish_record((size_t)(to - region) - tail - PREFIX);
}

/* log(kind, values...) as recorder.log; what it does not do is asked of that one (`self`). */
static PyObject *log_event(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Field fields[FIELDS];
    PyObject *formed = region != NULL && count > 0 ? PyObject_GetAttr(given[0], form) : NULL, *args, *kwargs, *result = NULL;
    Py_ssize_t size = 0, at = 0;
    char *types;
    if (formed != NULL && PyBytes_AsStringAndSize(formed, &types, &size) == 0) {
        size = size - 2 < count - 1 ? size - 2 : count - 1;
        while (at < size && size <= FIELDS && measure(&fields[at], types[2 + at], given[1 + at]))
            at++;
        if (at == size && has_room(body_size(fields, size))) {
            write_record(types, fields, size);
            Py_DecRef(formed);
            return new_reference(Py_None);
        }
    }
    PyErr_Clear();
    Py_DecRef(formed);
    if (pack(given, count, NULL, &args, &kwargs) == 0) {
        result = PyObject_Call(self, args, NULL);
        Py_DecRef(args);
    }
    return result;
}

static PyMethodDef log_def = {"log", (PyCFunction)(void (*)(void))log_event, METH_FASTCALL, NULL};

/* logger(log) -> the compiled log, which leaves to that one of Python what is rare. */
static PyObject *logger(PyObject *module, PyObject *python)
{
    (void)module;
    return PyCFunction_NewEx(&log_def, python, NULL);
}

/* append(record) -> True, or False if the region is full: a record that Python has made. */
static PyObject *append(PyObject *module, PyObject *record)
{
    Py_ssize_t size;
    char *bytes;
    (void)module;
    if (PyBytes_AsStringAndSize(record, &bytes, &size) < 0)
        return NULL;
    if (size < PREFIX || (region != NULL && !has_room((size_t)size - PREFIX)))
        return new_reference(Py_False);
    if (region != NULL) {
        u64 prefix;
        memcpy(&prefix, bytes, PREFIX);
        memcpy(region + tail + PREFIX, bytes + PREFIX, (size_t)size - PREFIX);
        IN_ORDER();
        *(u64 *)(void *)(region + tail) = prefix;
        tail += (size_t)size;
    }
    return new_reference(Py_True);
}

/* log_to(map, tail, limit): the log goes on there, for as long as the process lives. */
static PyObject *log_to(PyObject *module, PyObject *args)
{
    PyObject *map;
    void *address;
    Py_ssize_t size, from, to;
    (void)module;
    if (!PyArg_ParseTuple(args, "Onn:log_to", &map, &from, &to) || PyObject_AsWriteBuffer(map, &address, &size) < 0)
        return NULL;
    if (from < 0 || from > to || to > size || ((size_t)address + (size_t)from) % sizeof(u64)) {
        PyErr_SetString(PyExc_ValueError, "not a log");
        return NULL;
    }
    Py_IncRef(map); /* for ever: it may be the memory of a bytearray */
    set_region(address, (size_t)from, (size_t)to);
    return new_reference(Py_None);
}

/* Is a file of this size allowed, if its refusal would be deadly? */
static int may_write(Py_ssize_t size)
{
    struct sigaction action;
    struct rlimit most;
    if (sigaction(SIGXFSZ, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
        return 1;
    return getrlimit(RLIMIT_FSIZE, &most) == 0 && (most.rlim_cur == RLIM_INFINITY || most.rlim_cur >= (rlim_t)size);
}

/* file_map(path, size) -> memoryview of a new file of zeros that stays mapped for ever, or None. Unlike mmap objects it keeps no
   descriptor. */
static PyObject *file_map(PyObject *module, PyObject *args)
{
    PyObject *name;
    Py_ssize_t size;
    const char *path;
    void *address = MAP_FAILED;
    int descriptor, trouble;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&n:file_map", PyUnicode_FSConverter, &name, &size))
        return NULL;
    path = PyBytes_AsString(name);
    descriptor = may_write(size) ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (descriptor < 0) {
        Py_DecRef(name);
        return new_reference(Py_None);
    }
    while ((trouble = posix_fallocate(descriptor, 0, size)) == EINTR)
        ;
    if (trouble == 0)
        address = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED)
        unlink(path);
    close(descriptor);
    Py_DecRef(name);
    return address == MAP_FAILED ? new_reference(Py_None) : PyMemoryView_FromMemory(address, size, WRITABLE);
}
