/* Part of _recorder.c: functions and methods of classes, each with what it notes. */

/* PyObject_TypeCheck, which need not search through the bases of the classes that Python has made of ours. */
static int is_a(PyObject *object, PyTypeObject *type)
{
    static PyTypeObject *known[2];
    PyTypeObject *own = Py_TYPE(object), **last = &known[type == end_type];
    if (own == *last)
        return 1;
    if (!PyObject_TypeCheck(object, type))
        return 0;
    new_reference((PyObject *)own); /* kept for ever: an address is always the same class's */
    *last = own;
    return 1;
}

static PyObject *call(PyObject *callable, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *packed, *kwargs, *result = NULL;
    if (PyObject_Vectorcall != NULL)
        return PyObject_Vectorcall(callable, args, (size_t)positional, names);
    if (pack(args, positional, names, &packed, &kwargs) == 0)
        result = PyObject_Call(callable, packed, kwargs);
    Py_DecRef(packed);
    Py_DecRef(kwargs);
    return result;
}

/* Return a new reference to what we keep for an object; NULL, without an exception, if it is not of that type. */
static PyObject *ours(PyObject *object, PyTypeObject *type)
{
    PyObject *found = object != NULL ? PyObject_GetAttr(object, attribute) : NULL;
    if (found != NULL && is_a(found, type))
        return found;
    Py_DecRef(found);
    PyErr_Clear();
    return NULL;
}

/* The same of a connection. */
static PyObject *end_of(PyObject *object)
{
    size_t at = (size_t)object >> 4 & 7;
    PyObject *end;
    if (object == NULL || found_last[at].object == object)
        return object != NULL ? new_reference(found_last[at].end) : NULL;
    end = ours(object, end_type);
    if (end != NULL) {
        found_last[at].object = object;
        found_last[at].end = end;
    }
    return end;
}

static PyObject *first_of(PyObject *const *args, Py_ssize_t positional, Py_ssize_t most, PyObject *names)
{
    return positional > 0 && positional <= most && names == NULL ? args[0] : NULL;
}

static PyObject *run_enter(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *place = ours(first_of(args, positional, 1, names), place_type);
    int equipped = place != NULL && ((Place *)place)->take != NULL;
    PyObject *result = equipped ? take_for_ever((Place *)place) : call(method->original, args, positional, names);
    Py_DecRef(place);
    return result;
}

static PyObject *run_exit(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *place = ours(first_of(args, positional, 4, names), place_type);
    int equipped = place != NULL && ((Place *)place)->give != NULL;
    PyObject *result = equipped ? give_back((Place *)place) : call(method->original, args, positional, names);
    Py_DecRef(place);
    return result;
}

/* What `with` gets from a lock: a builtin bound to it, twice as fast as a bound Method. Without our cell, it does what
   SemLock.__enter__ and __exit__ do. */
static PyObject *call_primitive(PyObject *lock, const char *name, PyObject *const *given, Py_ssize_t positional)
{
    PyObject *args, *kwargs, *result = NULL, *semlock = PyObject_GetAttrString(lock, "_semlock");
    PyObject *method = semlock != NULL ? PyObject_GetAttrString(semlock, name) : NULL;
    if (method != NULL && pack(given, positional, NULL, &args, &kwargs) == 0) {
        result = PyObject_Call(method, args, NULL);
        Py_DecRef(args);
    }
    Py_DecRef(method);
    Py_DecRef(semlock);
    return result;
}

static PyObject *enter(PyObject *lock, PyObject *nothing)
{
    PyObject *place = ours(lock, place_type);
    int equipped = place != NULL && ((Place *)place)->take != NULL;
    PyObject *result = equipped ? take_for_ever((Place *)place) : call_primitive(lock, "__enter__", &nothing, 0);
    Py_DecRef(place);
    return result;
}

static PyObject *leave(PyObject *lock, PyObject *const *given, Py_ssize_t positional)
{
    PyObject *place = ours(lock, place_type);
    int equipped = positional <= 3 && place != NULL && ((Place *)place)->give != NULL;
    PyObject *result = equipped ? give_back((Place *)place) : call_primitive(lock, "__exit__", given, positional);
    Py_DecRef(place);
    return result;
}

static PyMethodDef enter_def = {"__enter__", enter, METH_NOARGS, "__enter__($self, /)\n--\n\n"};
static PyMethodDef leave_def = {"__exit__", (PyCFunction)(void (*)(void))leave, METH_FASTCALL, "__exit__($self, /, *args)\n--\n\n"};

/* Call the original with its wait noted. Fields that mean nothing in a state that is not TIMED are not stored. */
static PyObject *transfer(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names, Place *place, u64 state, u64 detail)
{
    Wait wait;
    PyObject *result;
    u64 slot, now = clock_ns(), then;
    if (find_slot(&slot) < 0)
        return NULL;
    if (slot == 0)
        return call(method->original, args, positional, names);
    if ((now - place->since > fresh_ns && !(place->fixed && place->stack)) || words[slot]) {
        if (begin(&wait, place, state, NULL, detail) < 0)
            return NULL;
        return end(&wait, call(method->original, args, positional, names));
    }
    words[slot + S_SINCE] = place->since = now;
    words[slot + S_KEY] = place->key;
    words[slot + S_SITE] = place->site;
    if ((state & 0xFF) == SEND)
        words[slot + S_DETAIL] = detail;
    words[slot + S_STACK] = place->stack;
    IN_ORDER();
    words[slot] = state | STALE_SITE << 16;
    then = era;
    result = call(method->original, args, positional, names);
    if (then == era)
        words[slot] = 0;
    return result;
}

static Place *place_for(PyObject *end, int sending)
{
    PyObject *found = end == NULL ? NULL : sending ? ((End *)end)->send : ((End *)end)->recv;
    return found != NULL && is_a(found, place_type) ? (Place *)found : NULL;
}

static PyObject *run_recv(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *result, *end = end_of(first_of(args, positional, 2, NULL));
    Place *place = place_for(end, 0);
    result = place != NULL ? transfer(method, args, positional, names, place, RECV | PIPE << 8, 0) : call(method->original, args, positional, names);
    if (result != NULL && place != NULL)
        store(((End *)end)->received, ++((End *)end)->got);
    Py_DecRef(end);
    return result;
}

static PyObject *run_send(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *result, *end = positional == 2 ? end_of(first_of(args, positional, 2, names)) : NULL;
    Place *place = place_for(end, 1);
    Py_ssize_t length = place != NULL ? PyObject_Size(args[1]) : 0;
    if (length < 0) {
        PyErr_Clear();
        place = NULL;
    }
    result = place != NULL ? transfer(method, args, positional, names, place, SEND | PIPE << 8, (u64)length)
                           : call(method->original, args, positional, names);
    if (result != NULL && place != NULL)
        store(((End *)end)->sent, ++((End *)end)->used);
    Py_DecRef(end);
    return result;
}

/* Tell Python of a call that was made here: what it gave, or its exception, which stays as it is. */
static PyObject *told(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *result)
{
    PyObject *type = NULL, *value = NULL, *trace = NULL, *answer = NULL, *packed, *kwargs;
    if (result == NULL) {
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        if (trace != NULL && value != NULL)
            PyException_SetTraceback(value, trace);
    }
    if (pack(args, positional, NULL, &packed, &kwargs) == 0)
        answer = PyObject_CallFunctionObjArgs(method->tell, packed, result != NULL ? result : Py_None, value != NULL ? value : Py_None, NULL);
    Py_DecRef(packed);
    Py_DecRef(answer);
    if (answer == NULL && forgive() < 0) { /* a signal handler of the host raised just now */
        Py_DecRef(type), Py_DecRef(value), Py_DecRef(trace), Py_DecRef(result);
        return NULL;
    }
    if (result == NULL)
        PyErr_Restore(type, value, trace);
    return result;
}

static Py_ssize_t size_of(PyObject *what)
{
    Py_ssize_t size = what != NULL ? PyObject_Size(what) : 0;
    if (size < 0)
        PyErr_Clear();
    return size;
}

/* ForkingPickler.dumps and loads: what fails, and what is large, is told. */
static PyObject *run_pickling(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names, int loading)
{
    PyObject *result;
    if (PyList_Size(method->gate) > 0)
        return call(method->python, args, positional, names);
    result = call(method->original, args, positional, names);
    if (result == NULL)
        return PyErr_ExceptionMatches(PyExc_Exception) ? told(method, args, positional, NULL) : NULL;
    return size_of(loading ? first_of(args, positional, 1, NULL) : result) >= method->large ? told(method, args, positional, result) : result;
}

static PyObject *run_dumps(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    return run_pickling(method, args, positional, names, 0);
}

static PyObject *run_loads(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    return run_pickling(method, args, positional, names, 1);
}

/* Queue.put: items of some types are not noted. */
static PyObject *run_put(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *item = positional > 1 ? args[1] : NULL;
    int plain = item != NULL ? PySet_Contains(method->gate, (PyObject *)Py_TYPE(item)) : 0;
    if (plain < 0)
        PyErr_Clear();
    return call(plain > 0 ? method->original : method->python, args, positional, names);
}

/* Popen.poll and Process.exitcode: an answer is told, and most often there is none. */
static PyObject *run_code(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *result = call(method->original, args, positional, names);
    return result == NULL || result == Py_None ? result : told(method, args, positional, result);
}

/* Where connection.wait(things, timeout) waits: at the first, if it is a connection; a pool's worker handler at the last. */
static Place *ready_place(PyObject *things, Py_ssize_t size)
{
    PyObject *first = PyList_GetItem(things, 0), *end = PyLong_CheckExact(first) ? NULL : ours(first, end_type);
    Place *place = end != NULL && ((End *)end)->key ? (Place *)((End *)end)->poll : NULL;
    if (end == NULL && PyLong_CheckExact(first) && (end = ours(PyList_GetItem(things, size - 1), end_type)) != NULL)
        place = (Place *)((End *)end)->poll;
    if (place != NULL && (!is_a((PyObject *)place, place_type) || (PyLong_CheckExact(first) && !place->fixed)))
        place = NULL;
    Py_DecRef(end); /* the connection holds it, and the list the connection */
    return place;
}

static PyObject *run_ready(Method *method, PyObject *const *args, Py_ssize_t positional, PyObject *names)
{
    PyObject *things = positional > 0 ? args[0] : NULL, *timeout = Py_None, *result;
    Py_ssize_t size = things != NULL && PyList_CheckExact(things) ? PyList_Size(things) : 0;
    Place *place;
    Wait wait;
    u64 slot;
    if (positional > 1)
        timeout = args[1];
    else if (names != NULL)
        timeout = PyTuple_Size(names) == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), "timeout") == 0 ? args[positional] : NULL;
    if (timeout == NULL || size == 0 || find_slot(&slot) < 0)
        return PyErr_Occurred() ? NULL : call(method->python, args, positional, names);
    if ((PyFloat_CheckExact(timeout) || PyLong_CheckExact(timeout)) && PyFloat_AsDouble(timeout) <= 0.0) {
        if (PyErr_Occurred())
            PyErr_Clear();
        result = call(method->original, args, positional, names);
        return result != NULL && PyList_CheckExact(result) && PyList_Size(result) == 0 ? told(method, args, positional, result) : result;
    }
    place = ready_place(things, size);
    if (place == NULL || slot == 0 || (words[slot] && PyLong_CheckExact(PyList_GetItem(things, 0))))
        return call(method->python, args, positional, names);
    new_reference((PyObject *)place);
    result = begin(&wait, place, READY | PIPE << 8, timeout, (u64)size) < 0 ? NULL : end(&wait, call(method->original, args, positional, names));
    Py_DecRef((PyObject *)place);
    return result;
}

static PyObject *method_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    if (names != NULL && PyTuple_Size(names) == 0)
        names = NULL;
    return ((Method *)self)->run((Method *)self, args, POSITIONAL(nargsf), names);
}

/* Called with a tuple and a dict, which is rare: PyVectorcall_Call would do the same. */
static PyObject *method_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t positional = PyTuple_Size(args), named = kwargs != NULL ? PyDict_Size(kwargs) : 0, at = 0, count = positional;
    PyObject **all = PyMem_Malloc((size_t)(positional + named + 1) * sizeof(*all)), *names = named ? PyTuple_New(named) : NULL;
    PyObject *key, *value, *result = NULL;
    if (all == NULL || (named && names == NULL)) {
        PyErr_NoMemory();
    } else {
        for (Py_ssize_t one = 0; one < positional; one++)
            all[one] = PyTuple_GetItem(args, one);
        while (named && PyDict_Next(kwargs, &at, &key, &value)) {
            PyTuple_SetItem(names, count - positional, new_reference(key));
            all[count++] = value;
        }
        result = ((Method *)self)->run((Method *)self, all, positional, names);
    }
    Py_DecRef(names);
    PyMem_Free(all);
    return result;
}

static PyObject *method_get(PyObject *self, PyObject *instance, PyObject *owner)
{
    (void)owner;
    if (instance == NULL || instance == Py_None)
        return new_reference(self);
    if (((Method *)self)->run == run_enter)
        return PyCFunction_NewEx(&enter_def, instance, NULL);
    if (((Method *)self)->run == run_exit)
        return PyCFunction_NewEx(&leave_def, instance, NULL);
    return PyMethod_New(self, instance);
}

static PyObject *method_repr(PyObject *self)
{
    return PyObject_Repr(((Method *)self)->original);
}

/* Pickled and copied as a function is: by name. */
static PyObject *method_reduce(PyObject *self, PyObject *protocol)
{
    (void)protocol;
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyMethodDef method_methods[] = {{"__reduce_ex__", method_reduce, METH_O, NULL}, {NULL, NULL, 0, NULL}};
