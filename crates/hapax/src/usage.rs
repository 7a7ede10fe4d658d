//! The reminder of the command line.

/// What `-h`, a missing or an unknown option prints.
pub const USAGE: &str = "\
Usage : hapax [-f <file|directory>]* [option]* [-- <file|directory>*]

Configuration:
        -f <path>     read a configuration file, or the *.cfg files of a directory
        -C <dir>      change to this directory first
        --strict      refuse what only older versions of HAProxy understood
        -c            check the configuration and exit (with -V: say that it is valid)
        -cc <cond>    evaluate a condition as '.if' does and exit: 0 true, 1 false, 2 faulty
        -dD           point out suspicious statements
        -dW           treat warnings as errors
        -dK<class,..> list the keywords that work ('-dKhelp' for the classes)

Running:
        -D            go to the background
        -db           stay in the foreground, even with 'daemon'
        -d            as -db, and told more
        -p <file>     where to write the process number when in the background
        -sf <pid>*    take over from these processes and let them finish
        -st <pid>*    take over from these processes and stop them
        -x <socket>   take the listening sockets of the process that exposes them there
        -W            run a master that supervises a worker; SIGUSR2 reloads
        -Ws           as -W, and tell systemd
        -S <address>[,<option>...]
                      the master's runtime API, with options of 'stats socket'
        -q            print no messages
        -V            print messages even with -q or 'quiet'

Limits:
        -n <count>    connections of the process at once
        -N <count>    connections at once of a frontend that sets no 'maxconn'
        -m <MiB>      memory of the process
        -L <name>     this process' name among peers (the host name otherwise)

Switches:
        -4            ask name servers for IPv4 addresses only
        -dR           don't share listening ports between sockets (SO_REUSEPORT)
        -dS           don't splice
        -dF, -dZ      forward data by copying it; as -dS
        -dI           as 'insecure-fork-wanted'
        -dL           list the object files in use
        -dt[<source>[:<level>[:<verbosity>]],...]
                      trace on stderr: errors of everything unless told
        -dM, -de, -dp, -dG, -dT
                      taken for the sake of existing scripts; nothing here to switch

About:
        -v            show the version
        -vv           show what was built in
        -vq, -vqs, -vqb
                      show only the version, its number, or its branch

Not built yet, and refused: -dA -dC -dV -dc -dr
";
