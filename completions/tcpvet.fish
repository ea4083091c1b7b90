# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tcpvet_global_optspecs
    string join \n json format= from= N/netns= color= width= fail-on= q/quiet timeout= select= set= h/help V/version
end

function __fish_tcpvet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tcpvet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tcpvet_using_subcommand
    set -l cmd (__fish_tcpvet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tcpvet -n "__fish_tcpvet_needs_command" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l select -d 'Run only this rule (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s V -l version -d 'Print version'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "diagnose" -d 'Say what is wrong, who does it and what to change'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "check" -d 'Judge for monitoring and CI: one line and an exit status'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "list" -d 'List sockets with their owners'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "summary" -d 'Count sockets by state'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "advise" -d 'Propose settings for what was found; nothing is set'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "explain" -d 'Explain a rule or a setting'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "capture" -d 'Record what this program reads, for a bug report or a later look'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "man" -d 'Print the manual page'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "generate" -d 'Write the committed completions and manual pages'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l select -d 'Run only this rule (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l select -d 'Run only this rule (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l assert -d 'Judge this instead of the rules, such as \'leak: count(state close-wait) == 0\' (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l state -d 'Only sockets in this state (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s O -l columns -d 'Columns to show, separated by commas: netns family state recvq sendq local peer timer uid inode cookie process' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s 4 -l ipv4 -d 'Only IPv4 sockets'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s 6 -l ipv6 -d 'Only IPv6 sockets'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s H -l no-header -d 'Print no header'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l select -d 'Run only this rule (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l emit -d 'Print the settings as a file' -r -f -a "sysctl.d\t'A fragment for /etc/sysctl.d, or for \'sysctl -p FILE\''
shell\t'A shell script'
json\t'The JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s o -l output -d 'A new folder, or a new file whose name ends in .tar' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, or a process id' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l width -d 'Wrap and cut human output at this width, in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "diagnose" -d 'Say what is wrong, who does it and what to change'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "check" -d 'Judge for monitoring and CI: one line and an exit status'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "list" -d 'List sockets with their owners'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "summary" -d 'Count sockets by state'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "advise" -d 'Propose settings for what was found; nothing is set'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "explain" -d 'Explain a rule or a setting'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "capture" -d 'Record what this program reads, for a bug report or a later look'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "completions" -d 'Print a shell\'s completions'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "man" -d 'Print the manual page'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "generate" -d 'Write the committed completions and manual pages'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check list summary advise explain capture completions man generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
