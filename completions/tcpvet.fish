# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tcpvet_global_optspecs
    string join \n json format= from= N/netns= proc= color= width= fail-on= q/quiet timeout= select= ignore= set= config= no-config sample= baseline= all-netns cmdline h/help V/version
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
json\t'One JSON document'
jsonl\t'One JSON object a line (list)'
plain\t'Values with tabs between, numbers in plain units (list, ports)'
csv\t'Values with commas between (list, ports)'
nagios\t'One line with performance data, for Nagios and Icinga (check, run)'
checkmk\t'Lines of a local check (check, run)'
prometheus\t'Metrics for node_exporter\'s textfile collector (check, run)'
openmetrics\t'Metrics in OpenMetrics text (check, run)'
junit\t'JUnit XML (check, run)'
tap\t'TAP version 13 (check, run)'
github\t'Annotations of GitHub Actions (check, run)'
zabbix\t'Low-level discovery (check, run)'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l select -d 'Run only these rules, or families of rules (repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l ignore -d 'Leave out these rules, or families of rules' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l config -d 'Read this configuration file in place of /etc/tcpvet.toml and the user\'s own' -r -F
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l sample -d 'Look twice, this long apart: what needs a rate can be judged then' -r
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l baseline -d 'Compare with this capture of the same boot and namespace instead' -r -F
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l no-config -d 'Read no configuration file'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -l cmdline -d 'Show the command lines of the processes that are named, with secrets of known forms masked'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -s V -l version -d 'Print version'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "diagnose" -d 'Say what is wrong, who does it and what to change'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "check" -d 'Judge for monitoring and CI: one line and an exit status'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "run" -d 'Run a command, and judge the sockets that it left behind'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "list" -d 'List sockets with their owners, as ss does and more'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "listen" -d 'List listeners: queue, limit, who set it, drops, who waits to be accepted'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "ports" -d 'Tell how many connections are left, to whom, for how long; or who holds a port'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "env" -d 'Tell what can be read here, what is missing, and what grants it'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "fields" -d 'List the fields that columns, filters and JSON know'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "summary" -d 'Count sockets by state, family and namespace'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "advise" -d 'Propose settings for what was found; nothing is set'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "explain" -d 'Explain a rule, a setting, a state, a field or an exit status'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "config" -d 'Show the rules and thresholds in force, and where each came from'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "capture" -d 'Record what this program reads, for a bug report or a later look'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "man" -d 'Print the manual page'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "generate" -d 'Write the committed completions and manual pages'
complete -c tcpvet -n "__fish_tcpvet_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l select -d 'Run only these rules, or families of rules (repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l ignore -d 'Leave out these rules, or families of rules' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l config -d 'Read this configuration file in place of /etc/tcpvet.toml and the user\'s own' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l sample -d 'Look twice, this long apart: what needs a rate can be judged then' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l baseline -d 'Compare with this capture of the same boot and namespace instead' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l no-config -d 'Read no configuration file'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l cmdline -d 'Show the command lines of the processes that are named, with secrets of known forms masked'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand diagnose" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l select -d 'Run only these rules, or families of rules (repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l ignore -d 'Leave out these rules, or families of rules' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l config -d 'Read this configuration file in place of /etc/tcpvet.toml and the user\'s own' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l sample -d 'Look twice, this long apart: what needs a rate can be judged then' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l baseline -d 'Compare with this capture of the same boot and namespace instead' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l assert -d 'Judge this instead of the rules, such as \'leak: count(state close-wait) == 0\' (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s f -l file -d 'Read assertions from this file too, one a line; - is standard input (can be repeated)' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s w -l warning -d 'Warn if a named number leaves this range of the Monitoring Plugins, as in close_wait=50 (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s c -l critical -d 'Be critical if it leaves this one' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l report -d 'Write the verdict to a file too, such as junit=out.xml (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l every -d 'Check again and again, this long apart, and write nothing but the reports, until a signal ends it' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s t -d 'The same as --timeout' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'
nagios\t'One line with performance data, for Nagios and Icinga (check, run)'
checkmk\t'Lines of a local check (check, run)'
prometheus\t'Metrics for node_exporter\'s textfile collector (check, run)'
openmetrics\t'Metrics in OpenMetrics text (check, run)'
junit\t'JUnit XML (check, run)'
tap\t'TAP version 13 (check, run)'
github\t'Annotations of GitHub Actions (check, run)'
zabbix\t'Low-level discovery (check, run)'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l no-config -d 'Read no configuration file'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l dry-run -d 'Read the assertions, say how they were understood, and measure nothing'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l cmdline -d 'Write the command lines of the processes that are named into the document, with secrets of known forms masked'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l exit-zero -d 'End with status 0 whatever the verdict is, if there is one'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l assert -d 'Judge this instead of the rules, such as \'leak: count(state close-wait) == 0\' (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -s f -l file -d 'Read assertions from this file too, one a line; - is standard input (can be repeated)' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l settle -d 'How long sockets may take to go when the command has ended' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l allow -d 'Accept this of what could be left behind (repeated, or separated by commas)' -r -f -a "close-wait\t'Connections in CLOSE_WAIT'
open\t'Connections of processes that it started'
listeners\t'Listeners'
drops\t'Connections that listeners refused'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l report -d 'Write the verdict to a file too, such as junit=out.xml (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'
nagios\t'One line with performance data, for Nagios and Icinga (check, run)'
checkmk\t'Lines of a local check (check, run)'
prometheus\t'Metrics for node_exporter\'s textfile collector (check, run)'
openmetrics\t'Metrics in OpenMetrics text (check, run)'
junit\t'JUnit XML (check, run)'
tap\t'TAP version 13 (check, run)'
github\t'Annotations of GitHub Actions (check, run)'
zabbix\t'Low-level discovery (check, run)'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l dry-run -d 'Read the assertions, say how they were understood, and measure nothing'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l isolate -d 'Run the command in a network namespace of its own'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l exit-zero -d 'End with status 0 whatever the verdict is, if there is one'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l state -d 'Only sockets in this state (can be repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s O -l columns -d 'Columns, separated by commas; +a,b adds to the default ones (\'tcpvet fields\' lists them)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l owners -d 'How owners are looked for' -r -f -a "auto\t'By BPF where it is allowed and pays, else by /proc'
bpf\t'By BPF; what that does not find is looked for in /proc'
proc\t'By /proc'
none\t'Not'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l baseline -d 'With --infer: a capture of the same boot and namespace, in which these sockets were still held' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l sort -d 'Sort by these fields, separated by commas; unknown values stand last' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l limit -d 'At most so many rows' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l group-by -d 'Count sockets and sum their queues by these fields, separated by commas' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'
jsonl\t'One JSON object a line (list)'
plain\t'Values with tabs between, numbers in plain units (list, ports)'
csv\t'Values with commas between (list, ports)'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s t -l tcp -d 'TCP sockets'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s u -l udp -d 'UDP sockets'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s M -l mptcp -d 'MPTCP connections'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s a -l all -d 'All states'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s l -l listening -d 'Only listening sockets; for UDP the unconnected ones'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s B -l bound-inactive -d 'Only sockets that are bound to a port and neither connected nor listening'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s 4 -l ipv4 -d 'Only sockets that carry IPv4, listeners of both families too'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s 6 -l ipv6 -d 'Only IPv6 sockets; with -4 both'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s n -l numeric -d 'Numbers in place of the names of ports; this is how it is without -r'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s r -l resolve -d 'Names of /etc/hosts and, without -n, of /etc/services in place of numbers; the network is not asked'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s p -l processes -d 'Processes; they are shown anyway'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s o -l options -d 'Timers'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s e -l extended -d 'Timer, user, inode, cookie, mark, control group, halves that are closed'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s m -l memory -d 'Memory and drops'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s i -l info -d 'Everything the kernel tells of the connection (tcp_info)'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l tos -d 'Type of service, traffic class, class id'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l cgroup -d 'Control group'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l inet-sockopt -d 'Socket options'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s H -l no-header -d 'Print no head'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l infer -d 'Name who most likely made what no process holds: TIME_WAIT, and connections that were closed and not yet ended'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l reverse -d 'Turn the order round'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l explain-filter -d 'Say how the filter was read, what of it the kernel checks, and list nothing'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l owners -d 'How owners are looked for' -r -f -a "auto\t'By BPF where it is allowed and pays, else by /proc'
bpf\t'By BPF; what that does not find is looked for in /proc'
proc\t'By /proc'
none\t'Not'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l brief -d 'One dump and nothing more: queue, limit, who set it, drops'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -s H -l no-header -d 'Print no head'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l to -d 'Only this destination, connected or not (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l source -d 'Only from this address of ours, in use or not' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l port -d 'Say who holds this port, until when, and what helps: for "Address already in use"' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l what-if -d 'Suppose other settings, source addresses or rates' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l sample -d 'Look twice, this long apart, and tell rates of new connections and growth' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l limit -d 'At most so many destinations (people: 20, other formats: all)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l owners -d 'How owners are looked for' -r -f -a "auto\t'By BPF where it is allowed and pays, else by /proc'
bpf\t'By BPF; what that does not find is looked for in /proc'
proc\t'By /proc'
none\t'Not'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'
plain\t'Values with tabs between, numbers in plain units (list, ports)'
csv\t'Values with commas between (list, ports)'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l bind -d 'Only the pools of programs that bind() before they connect()'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -s H -l no-header -d 'Print no head'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand ports" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand fields" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l all-netns -d 'Every network namespace in sight'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand summary" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l select -d 'Run only these rules, or families of rules (repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l ignore -d 'Leave out these rules, or families of rules' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l config -d 'Read this configuration file in place of /etc/tcpvet.toml and the user\'s own' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l sample -d 'Look twice, this long apart: what needs a rate can be judged then' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l baseline -d 'Compare with this capture of the same boot and namespace instead' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l emit -d 'Print the settings as a file' -r -f -a "sysctl.d\t'A fragment for /etc/sysctl.d, or for \'sysctl -p FILE\''
shell\t'A shell script'
ansible\t'Tasks for ansible.posix.sysctl'
kubernetes\t'The securityContext of a pod'
docker\t'Options of docker run and podman run'
tuned\t'A profile for TuneD'
json\t'The JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l fail-on -d 'Let a report end with the status of its verdict if it is at least so bad' -r -f -a "warning\t'Warning, unknown or critical'
unknown\t'Unknown or critical'
critical\t'Critical'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l no-config -d 'Read no configuration file'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand advise" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l select -d 'Run only these rules, or families of rules (repeated, or separated by commas)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l ignore -d 'Leave out these rules, or families of rules' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l set -d 'Change a threshold (can be repeated)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l config -d 'Read this configuration file in place of /etc/tcpvet.toml and the user\'s own' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l no-config -d 'Read no configuration file'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s o -l output -d 'A new folder, or a new file whose name ends in .tar' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l format -d 'Output format' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l from -d 'Read a capture instead of this kernel' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s N -l netns -d 'Look at another network namespace: a name of \'ip netns\', a path, a process id, a container or a pod' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l proc -d 'Read this folder in place of /proc, in a container that has the host\'s mounted' -r -F
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -l json -d 'Print one JSON document'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, as the environment says'
always\t'Always'
never\t'Never'"
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l width -d 'Wrap and cut human output at this width (40 or more), in a pipe too' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -l timeout -d 'End with status 3 after this time, such as 5s (check: 30s)' -r
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -s q -l quiet -d 'Print nothing when all is well, and no notes'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "diagnose" -d 'Say what is wrong, who does it and what to change'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "check" -d 'Judge for monitoring and CI: one line and an exit status'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "run" -d 'Run a command, and judge the sockets that it left behind'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "list" -d 'List sockets with their owners, as ss does and more'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "listen" -d 'List listeners: queue, limit, who set it, drops, who waits to be accepted'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "ports" -d 'Tell how many connections are left, to whom, for how long; or who holds a port'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "env" -d 'Tell what can be read here, what is missing, and what grants it'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "fields" -d 'List the fields that columns, filters and JSON know'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "summary" -d 'Count sockets by state, family and namespace'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "advise" -d 'Propose settings for what was found; nothing is set'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "explain" -d 'Explain a rule, a setting, a state, a field or an exit status'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "config" -d 'Show the rules and thresholds in force, and where each came from'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "capture" -d 'Record what this program reads, for a bug report or a later look'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "completions" -d 'Print a shell\'s completions'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "man" -d 'Print the manual page'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "generate" -d 'Write the committed completions and manual pages'
complete -c tcpvet -n "__fish_tcpvet_using_subcommand help; and not __fish_seen_subcommand_from diagnose check run list listen ports env fields summary advise explain config capture completions man generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
