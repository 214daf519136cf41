/* Part of _recorder.c: functions and methods of classes, each with what it notes. */

/* Return a new reference to what we keep for an object; NULL, without an exception, if it is not of that type. */
static PyObject *ours(PyObject *object, PyTypeObject *type)
{
    PyObject *found = object != NULL ? PyObject_GetAttr(object, attribute) : NULL;
    if (found != NULL && PyObject_TypeCheck(found, type))
        return found;
    Py_DecRef(found);
    PyErr_Clear();
    return NULL;
}

static PyObject *first_of(PyObject *args, Py_ssize_t most, PyObject *kwargs)
{
    Py_ssize_t size = PyTuple_Size(args);
    return size > 0 && size <= most && kwargs == NULL ? PyTuple_GetItem(args, 0) : NULL;
}

static PyObject *run_enter(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *place = ours(first_of(args, 1, kwargs), place_type);
    int equipped = place != NULL && ((Place *)place)->take != NULL;
    PyObject *result = equipped ? take_for_ever((Place *)place) : PyObject_Call(method->original, args, kwargs);
    Py_DecRef(place);
    return result;
}

static PyObject *run_exit(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *place = ours(first_of(args, 4, kwargs), place_type);
    int equipped = place != NULL && ((Place *)place)->give != NULL;
    PyObject *result = equipped ? give_back((Place *)place) : PyObject_Call(method->original, args, kwargs);
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
static PyObject *transfer(Method *method, PyObject *args, PyObject *kwargs, Place *place, u64 state, u64 detail)
{
    Wait wait;
    PyObject *result;
    u64 slot, now = clock_ns(), then;
    if (find_slot(&slot) < 0)
        return NULL;
    if (slot == 0)
        return PyObject_Call(method->original, args, kwargs);
    if ((now - place->since > fresh_ns && !(place->fixed && place->stack)) || words[slot]) {
        if (begin(&wait, place, state, NULL, detail) < 0)
            return NULL;
        return end(&wait, PyObject_Call(method->original, args, kwargs));
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
    result = PyObject_Call(method->original, args, kwargs);
    if (then == era)
        words[slot] = 0;
    return result;
}

static Place *place_for(PyObject *end, int sending)
{
    PyObject *found = end == NULL ? NULL : sending ? ((End *)end)->send : ((End *)end)->recv;
    return found != NULL && PyObject_TypeCheck(found, place_type) ? (Place *)found : NULL;
}

static PyObject *run_recv(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *result, *end = ours(first_of(args, 2, NULL), end_type);
    Place *place = place_for(end, 0);
    result = place != NULL ? transfer(method, args, kwargs, place, RECV | PIPE << 8, 0) : PyObject_Call(method->original, args, kwargs);
    if (result != NULL && place != NULL)
        store(((End *)end)->received, ++((End *)end)->got);
    Py_DecRef(end);
    return result;
}

static PyObject *run_send(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *result, *end = PyTuple_Size(args) == 2 ? ours(first_of(args, 2, kwargs), end_type) : NULL;
    Place *place = place_for(end, 1);
    Py_ssize_t length = place != NULL ? PyObject_Size(PyTuple_GetItem(args, 1)) : 0;
    if (length < 0) {
        PyErr_Clear();
        place = NULL;
    }
    result = place != NULL ? transfer(method, args, kwargs, place, SEND | PIPE << 8, (u64)length)
                           : PyObject_Call(method->original, args, kwargs);
    if (result != NULL && place != NULL)
        store(((End *)end)->sent, ++((End *)end)->used);
    Py_DecRef(end);
    return result;
}

/* Tell Python of a call that was made here: what it gave, or its exception, which stays as it is. */
static PyObject *told(Method *method, PyObject *args, PyObject *result)
{
    PyObject *type = NULL, *value = NULL, *trace = NULL, *answer;
    if (result == NULL) {
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        if (trace != NULL && value != NULL)
            PyException_SetTraceback(value, trace);
    }
    answer = PyObject_CallFunctionObjArgs(method->tell, args, result != NULL ? result : Py_None, value != NULL ? value : Py_None, NULL);
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
static PyObject *run_pickling(Method *method, PyObject *args, PyObject *kwargs, int loading)
{
    PyObject *result;
    if (PyList_Size(method->gate) > 0)
        return PyObject_Call(method->python, args, kwargs);
    result = PyObject_Call(method->original, args, kwargs);
    if (result == NULL)
        return PyErr_ExceptionMatches(PyExc_Exception) ? told(method, args, NULL) : NULL;
    return size_of(loading ? first_of(args, 1, NULL) : result) >= method->large ? told(method, args, result) : result;
}

static PyObject *run_dumps(Method *method, PyObject *args, PyObject *kwargs)
{
    return run_pickling(method, args, kwargs, 0);
}

static PyObject *run_loads(Method *method, PyObject *args, PyObject *kwargs)
{
    return run_pickling(method, args, kwargs, 1);
}

/* Queue.put: items of some types are not noted. */
static PyObject *run_put(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *item = PyTuple_Size(args) > 1 ? PyTuple_GetItem(args, 1) : NULL;
    int plain = item != NULL ? PySet_Contains(method->gate, (PyObject *)Py_TYPE(item)) : 0;
    if (plain < 0)
        PyErr_Clear();
    return PyObject_Call(plain > 0 ? method->original : method->python, args, kwargs);
}

/* Popen.poll and Process.exitcode: an answer is told, and most often there is none. */
static PyObject *run_code(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *result = PyObject_Call(method->original, args, kwargs);
    return result == NULL || result == Py_None ? result : told(method, args, result);
}

/* Where connection.wait(things, timeout) waits: at the first, if it is a connection; a pool's worker handler at the last. */
static Place *ready_place(PyObject *things, Py_ssize_t size)
{
    PyObject *first = PyList_GetItem(things, 0), *end = PyLong_CheckExact(first) ? NULL : ours(first, end_type);
    Place *place = end != NULL && ((End *)end)->key ? (Place *)((End *)end)->poll : NULL;
    if (end == NULL && PyLong_CheckExact(first) && (end = ours(PyList_GetItem(things, size - 1), end_type)) != NULL)
        place = (Place *)((End *)end)->poll;
    if (place != NULL && (!PyObject_TypeCheck((PyObject *)place, place_type) || (PyLong_CheckExact(first) && !place->fixed)))
        place = NULL;
    Py_DecRef(end); /* the connection holds it, and the list the connection */
    return place;
}

static PyObject *run_ready(Method *method, PyObject *args, PyObject *kwargs)
{
    PyObject *things = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL, *timeout = Py_None, *result;
    Py_ssize_t size = things != NULL && PyList_CheckExact(things) ? PyList_Size(things) : 0;
    Place *place;
    Wait wait;
    u64 slot;
    if (PyTuple_Size(args) > 1)
        timeout = PyTuple_GetItem(args, 1);
    else if (kwargs != NULL)
        timeout = PyDict_Size(kwargs) == 1 ? PyDict_GetItemString(kwargs, "timeout") : NULL;
    if (timeout == NULL || size == 0 || find_slot(&slot) < 0)
        return PyErr_Occurred() ? NULL : PyObject_Call(method->python, args, kwargs);
    if ((PyFloat_CheckExact(timeout) || PyLong_CheckExact(timeout)) && PyFloat_AsDouble(timeout) <= 0.0) {
        if (PyErr_Occurred())
            PyErr_Clear();
        result = PyObject_Call(method->original, args, kwargs);
        return result != NULL && PyList_CheckExact(result) && PyList_Size(result) == 0 ? told(method, args, result) : result;
    }
    place = ready_place(things, size);
    if (place == NULL || slot == 0 || (words[slot] && PyLong_CheckExact(PyList_GetItem(things, 0))))
        return PyObject_Call(method->python, args, kwargs);
    new_reference((PyObject *)place);
    result = begin(&wait, place, READY | PIPE << 8, timeout, (u64)size) < 0 ? NULL : end(&wait, PyObject_Call(method->original, args, kwargs));
    Py_DecRef((PyObject *)place);
    return result;
}

static PyObject *method_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (kwargs != NULL && PyDict_Size(kwargs) == 0)
        kwargs = NULL;
    return ((Method *)self)->run((Method *)self, args, kwargs);
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
    return PyObject_CallFunctionObjArgs(bound_method, self, instance, NULL);
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
