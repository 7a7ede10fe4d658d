//! The few system calls that need unsafe code, and the allocator, each with its reason.
#![allow(unsafe_code)]

mod allocator;
mod fds;
mod process;
mod sockopt;
mod tcp_info;
mod time;

pub use allocator::Allocator;
pub use fds::{adopt, duplicate, set_inherited, watch, watch_shared};
pub use process::{
    daemonize, end_by_signal, hold_signals, raise_descriptor_limit, release_signals,
    set_groups_and_ids,
};
pub use sockopt::{
    bind_to_interface, original_destination, save_syn, set_bind_address_no_port, set_defer_accept,
    set_fast_open, set_fast_open_connect, set_mark, set_md5_signature, set_mss, set_repair,
    set_tos, set_transparent, set_unsent_limit,
};
pub use tcp_info::{TcpInfo, saved_syn, tcp_info};
pub use time::utc_offset;
