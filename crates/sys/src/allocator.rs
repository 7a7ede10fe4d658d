//! The allocator: mimalloc, asked in the way that costs least.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

/// What every block of mimalloc is aligned to, if it is at least as large.
const NATURAL: usize = 16;

/// mimalloc as the global allocator.
///
/// The `mimalloc` crate asks for an alignment with every request, and for that mimalloc leaves its fast path: a block of a
/// few KiB becomes larger than asked for and takes four times as long. Here an alignment is asked for only when it is more
/// than every block has.
#[derive(Debug, Clone, Copy)]
pub struct Allocator;

/// `mi_option_purge_delay`, for which the bindings have no name: how long unused pages are kept, in milliseconds.
const PURGE_DELAY: mi::mi_option_t = 15;

impl Allocator {
    /// Has memory that is not used any more go back to the system soon: what a large configuration leaves when another
    /// takes its place would else stay until somebody else asks for as much, which on an idle machine is never.
    pub fn return_unused_soon() {
        // SAFETY: sets a number that mimalloc reads atomically.
        unsafe { mi::mi_option_set(PURGE_DELAY, 10) }
    }

    fn is_natural(layout: Layout) -> bool {
        layout.align() <= NATURAL && layout.align() <= layout.size()
    }
}

// SAFETY: mimalloc's functions keep the contract of `GlobalAlloc`: blocks of the size that was asked for, apart from each
// other, null on failure; none of them unwinds. Blocks of at least their alignment's size are aligned to it up to 16 bytes
// (`MI_MAX_ALIGN_SIZE`); any other alignment is asked for. Every kind of block is freed and grown by its address alone.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the functions take any size, and alignments that are powers of two, as those of a `Layout` are.
        unsafe {
            match Self::is_natural(layout) {
                true => mi::mi_malloc(layout.size()).cast(),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe {
            match Self::is_natural(layout) {
                true => mi::mi_zalloc(layout.size()).cast(),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller passes a block of this allocator, and does not use it afterwards.
        unsafe { mi::mi_free(block.cast::<c_void>()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc` and `dealloc`. A block that was aligned by its size alone stays so, for both sizes decide.
        unsafe {
            match Self::is_natural(layout) && layout.align() <= size {
                true => mi::mi_realloc(block.cast(), size).cast(),
                false => mi::mi_realloc_aligned(block.cast(), size, layout.align()).cast(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_that_of_the_delay() {
        // SAFETY: reads a number.
        let delay = || unsafe { mi::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "mimalloc's default");
        Allocator::return_unused_soon();
        assert_eq!(delay(), 10);
    }

    #[test]
    fn blocks_are_aligned_and_keep_what_is_in_them() {
        for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
            for size in [
                1, 7, 8, 15, 16, 17, 24, 1000, 1023, 1025, 2600, 5000, 70_000,
            ] {
                let layout = Layout::from_size_align(size, align).expect("a layout");
                // SAFETY: the block is used within its size, grown and freed with its layout.
                unsafe {
                    let block = Allocator.alloc(layout);
                    assert!(
                        !block.is_null() && block.addr().is_multiple_of(align),
                        "{layout:?}"
                    );
                    block.write_bytes(7, size);
                    let block = Allocator.realloc(block, layout, size * 3);
                    assert!(
                        !block.is_null() && block.addr().is_multiple_of(align),
                        "{layout:?}"
                    );
                    assert_eq!((*block, *block.add(size - 1)), (7, 7));
                    let layout = Layout::from_size_align(size * 3, align).expect("a layout");
                    Allocator.dealloc(block, layout);
                    let zeroed = Allocator.alloc_zeroed(layout);
                    assert!(!zeroed.is_null() && zeroed.addr().is_multiple_of(align));
                    assert_eq!(*zeroed.add(size - 1), 0);
                    Allocator.dealloc(zeroed, layout);
                }
            }
        }
    }
}
