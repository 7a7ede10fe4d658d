# Completion of hapax' command line for bash.
_hapax() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    case $prev in
    -f | --)
        mapfile -t COMPREPLY < <(compgen -f -X '!*.cfg' -- "$cur"; compgen -d -- "$cur")
        return
        ;;
    -C)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    -p | -x | -S)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -n | -N | -m | -L | -cc) return ;;
    -sf | -st)
        mapfile -t COMPREPLY < <(compgen -W "$(pgrep -x hapax)" -- "$cur")
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '-f -C --strict -c -cc -dD -dW -dK -D -db -d -p -sf -st -x -W -Ws -S -q -V -n -N -m -L -4
        -dR -dS -dF -dZ -dI -dL -dt -v -vv -vq -vqs -vqb' -- "$cur")
}
complete -o filenames -F _hapax hapax
