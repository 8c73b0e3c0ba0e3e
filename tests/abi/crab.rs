//! crab - a source in Rust, over the bare ABI: the numbers from 0 on. What it needs of
//! towpath/plugin.h and towpath/arrow.h is written down here, in the layout of version 1.0; a host
//! of any later 1.x takes it.
#![allow(non_upper_case_globals)]

use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::ptr::{null, null_mut};

const OK: i32 = 0;
const END: i32 = 1;
const OPTION_INT: i32 = 2;
const SOURCE_OFFLINE: u32 = 1;
const POSITION_MAX: usize = 4096;

#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<extern "C" fn(*mut Schema)>,
    private: *mut c_void,
}

#[repr(C)]
struct Array {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *mut *mut Array,
    dictionary: *mut Array,
    release: Option<extern "C" fn(*mut Array)>,
    private: *mut c_void,
}

#[repr(C)]
struct Position {
    size: u32,
    length: u32,
    bytes: [u8; POSITION_MAX],
}

#[repr(C)]
struct Batch {
    size: u32,
    flags: u32,
    array: Array,
    lines: Array,
    origin: *const c_char,
    mark_key: *const c_char,
    mark_value: *const c_char,
    position: Position,
    counted: i64,
}

/// The head of struct tow_host, as far as this plugin reads it.
#[repr(C)]
struct Host {
    size: u32,
    abi_major: u16,
    abi_minor: u16,
    job: *const c_char,
    load_id: *const c_char,
    worker: u32,
    workers: u32,
    batch_rows: u32,
}

#[repr(C)]
struct Opt {
    name: *const c_char,
    kind: i32,
    flags: u32,
    offset: u64,
    fallback: *const c_char,
    min: i64,
    max: i64,
    choices: *const c_char,
    help: *const c_char,
}

#[repr(C)]
struct SourceOps {
    size: u32,
    flags: u32,
    check: Option<extern "C" fn(*mut c_void, *const Host, *mut c_void) -> i32>,
    open: Option<extern "C" fn(*mut Crab, *const Host, *const Position, *mut c_void) -> i32>,
    schema: Option<extern "C" fn(*mut Crab, *mut Schema, *mut c_void) -> i32>,
    read: Option<extern "C" fn(*mut Crab, *mut Batch, *mut c_void) -> i32>,
    close: Option<extern "C" fn(*mut Crab)>,
}

#[repr(C)]
pub struct Plugin {
    size: u32,
    abi_major: u16,
    abi_minor: u16,
    name: *const c_char,
    version: *const c_char,
    summary: *const c_char,
    instance_size: u64,
    options: *const Opt,
    source: *const SourceOps,
    sink: *const c_void,
    transform: *const c_void,
}

unsafe impl Sync for Opt {}
unsafe impl Sync for SourceOps {}
unsafe impl Sync for Plugin {}

/// The instance: zeroed by the host, options filled in.
#[repr(C)]
struct Crab {
    rows: i64,
    batch_rows: i64,
    next: i64,
}

macro_rules! text {
    ($text:literal) => {
        concat!($text, "\0").as_ptr() as *const c_char
    };
}

// What an exported structure points to lives in one box, which its private member owns.
struct SchemaBox {
    child: Schema,
    children: [*mut Schema; 1],
}

extern "C" fn release_schema(schema: *mut Schema) {
    unsafe {
        drop(Box::from_raw((*schema).private as *mut SchemaBox));
        (*schema).release = None;
    }
}

extern "C" fn release_child_schema(schema: *mut Schema) {
    unsafe { (*schema).release = None }
}

struct ArrayBox {
    values: Vec<i64>,
    child: Array,
    children: [*mut Array; 1],
    buffers: [*const c_void; 2],
    none: [*const c_void; 1],
}

extern "C" fn release_array(array: *mut Array) {
    unsafe {
        drop(Box::from_raw((*array).private as *mut ArrayBox));
        (*array).release = None;
    }
}

extern "C" fn release_child_array(array: *mut Array) {
    unsafe { (*array).release = None }
}

fn array(length: i64, buffers: &[*const c_void], release: extern "C" fn(*mut Array)) -> Array {
    Array {
        length,
        null_count: 0,
        offset: 0,
        n_buffers: buffers.len() as i64,
        n_children: 0,
        buffers: buffers.as_ptr(),
        children: null_mut(),
        dictionary: null_mut(),
        release: Some(release),
        private: null_mut(),
    }
}

extern "C" fn open(this: *mut Crab, host: *const Host, from: *const Position, _: *mut c_void) -> i32 {
    let (crab, host, from) = unsafe { (&mut *this, &*host, &*from) };
    crab.batch_rows = host.batch_rows as i64;
    if from.length == 8 {
        crab.next = i64::from_le_bytes(from.bytes[..8].try_into().unwrap());
    }
    OK
}

extern "C" fn schema(_: *mut Crab, out: *mut Schema, _: *mut c_void) -> i32 {
    let make = |format, name, release: extern "C" fn(*mut Schema)| Schema {
        format,
        name,
        metadata: null(),
        flags: 0,
        n_children: 0,
        children: null_mut(),
        dictionary: null_mut(),
        release: Some(release),
        private: null_mut(),
    };
    let mut made = Box::new(SchemaBox { child: make(text!("l"), text!("n"), release_child_schema), children: [null_mut()] });
    made.children[0] = &mut made.child;
    let mut whole = make(text!("+s"), text!(""), release_schema);
    whole.n_children = 1;
    whole.children = made.children.as_mut_ptr();
    whole.private = Box::into_raw(made) as *mut c_void;
    unsafe { out.write(whole) };
    OK
}

extern "C" fn read(this: *mut Crab, out: *mut Batch, _: *mut c_void) -> i32 {
    let (crab, out) = unsafe { (&mut *this, &mut *out) };
    let last = crab.rows.min(crab.next + crab.batch_rows);
    if crab.next >= last {
        return END;
    }
    let values: Vec<i64> = (crab.next..last).collect();
    let length = values.len() as i64;
    let mut made = Box::new(ArrayBox {
        values,
        child: array(length, &[], release_child_array),
        children: [null_mut()],
        buffers: [null(), null()],
        none: [null()],
    });
    made.buffers[1] = made.values.as_ptr() as *const c_void;
    made.child.n_buffers = 2;
    made.child.buffers = made.buffers.as_ptr();
    made.children[0] = &mut made.child;
    out.array = array(length, &made.none, release_array);
    out.array.n_children = 1;
    out.array.children = made.children.as_mut_ptr();
    out.array.private = Box::into_raw(made) as *mut c_void;
    crab.next = last;
    out.position.bytes[..8].copy_from_slice(&last.to_le_bytes());
    out.position.length = 8;
    OK
}

static options: [Opt; 2] = [
    Opt {
        name: text!("rows"),
        kind: OPTION_INT,
        flags: 0,
        offset: 0,
        fallback: text!("1000"),
        min: 0,
        max: i64::MAX,
        choices: null(),
        help: text!("how many numbers there are"),
    },
    Opt { name: null(), kind: 0, flags: 0, offset: 0, fallback: null(), min: 0, max: 0, choices: null(), help: null() },
];

static ops: SourceOps = SourceOps {
    size: size_of::<SourceOps>() as u32,
    flags: SOURCE_OFFLINE,
    check: None,
    open: Some(open),
    schema: Some(schema),
    read: Some(read),
    close: None,
};

static plugin: Plugin = Plugin {
    size: size_of::<Plugin>() as u32,
    abi_major: 1,
    abi_minor: 0,
    name: text!("crab"),
    version: text!("1.0"),
    summary: text!("the whole numbers from 0 on, by Rust"),
    instance_size: size_of::<Crab>() as u64,
    options: options.as_ptr(),
    source: &ops,
    sink: null(),
    transform: null(),
};

#[no_mangle]
pub extern "C" fn crab_LTX_tow_plugin_entry() -> *const Plugin {
    &plugin
}
