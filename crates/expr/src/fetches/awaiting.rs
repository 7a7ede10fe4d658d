//! Known fetches that are not built yet, by what they wait for.

use crate::row::Awaiting;

/// The names.
pub static AWAITING: &[Awaiting] = &[
    Awaiting {
        needs: "the 'Finished' messages of TLS handshakes, which the TLS library keeps to itself",
        names: &["ssl_bc_unique_id", "ssl_fc_unique_id"],
    },
    Awaiting {
        needs: "FastCGI",
        names: &["fcgi.docroot", "fcgi.index"],
    },
    Awaiting {
        needs: "the cache",
        names: &["res.cache_hit", "res.cache_name"],
    },
    Awaiting {
        needs: "compression",
        names: &["res.comp", "res.comp_algo"],
    },
    Awaiting {
        needs: "filters that call agents (SPOE)",
        names: &["spoe.engine-id"],
    },
    Awaiting {
        needs: "an internal representation of messages that this program does not have",
        names: &[
            "internal.htx.data",
            "internal.htx.free",
            "internal.htx.free_data",
            "internal.htx.has_eom",
            "internal.htx.nbblks",
            "internal.htx.size",
            "internal.htx.used",
            "internal.htx_blk.data",
            "internal.htx_blk.hdrname",
            "internal.htx_blk.hdrval",
            "internal.htx_blk.size",
            "internal.htx_blk.start_line",
            "internal.htx_blk.type",
        ],
    },
    Awaiting {
        needs: "a dump of the state of muxes",
        names: &["bs.debug_str", "fs.debug_str"],
    },
    Awaiting {
        needs: "task profiling",
        names: &[
            "cpu_calls",
            "cpu_ns_avg",
            "cpu_ns_tot",
            "cpu_usage_grp",
            "cpu_usage_proc",
            "cpu_usage_thr",
            "lat_ns_avg",
            "lat_ns_tot",
        ],
    },
    Awaiting {
        needs: "a record of termination events",
        names: &["term_events"],
    },
];
