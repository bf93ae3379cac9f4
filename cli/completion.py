"""Completion: the scripts for bash, zsh and fish, and the answers that they ask for.

Typer finds out what is being completed. The scripts are our own, because Typer's let the shell evaluate, split and
glob what comes back: here it may be what a customer typed. A script asks by calling the program with REQUEST in the
environment; the answer is a line a value, with a tab and a word about it for zsh and fish.
"""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typer._click.shell_completion import CompletionItem, ShellComplete, split_arg_string

if TYPE_CHECKING:
    from cli.context import Invocation

REQUEST = "_AGENTADM_COMPLETE"
LINE = "_AGENTADM_LINE"
BREAKS = "_AGENTADM_BREAKS"
# A file name is the shell's own business.
FILES = ":files"
# What every shell takes as one plain word, wherever it stands. Anything else is left out.
PLAIN_WORD = re.compile(r"[\w-][\w.@+/:,=-]*")
NOT_TOLD = re.compile(r"[^\w .,;:()'-]")


class Shell(StrEnum):
    """The shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# $1 is the program as it was typed. Values never pass through the shell's parser.
BASH_SCRIPT = r"""_agentadm_completion() {
    local value program="${1/#\~/$HOME}"
    COMPREPLY=()
    while IFS= read -r value; do
        if [[ "$value" == ":files" ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$value")
        fi
    done < <(_AGENTADM_COMPLETE=bash _AGENTADM_LINE="${COMP_LINE:0:COMP_POINT}" \
        _AGENTADM_BREAKS="$COMP_WORDBREAKS" "$program" </dev/null 2>/dev/null)
}
complete -o nosort -F _agentadm_completion agentadm 2>/dev/null || complete -F _agentadm_completion agentadm
"""

ZSH_SCRIPT = r"""#compdef agentadm
_agentadm() {
    local -a lines values told
    local line
    local program="${(Q)words[1]/#\~/$HOME}"
    lines=("${(@f)$(_AGENTADM_COMPLETE=zsh "$program" "${(@Q)words[2,CURRENT]}" </dev/null 2>/dev/null)}")
    for line in "${lines[@]}"; do
        if [[ "$line" == ":files" ]]; then
            _files
        elif [[ -n "$line" ]]; then
            values+=("${line%%$'\t'*}")
            told+=("${line/$'\t'/  -- }")
        fi
    done
    (( ${#values} )) && compadd -V agentadm -l -d told -a -- values
}
if [[ "${funcstack[1]}" == _agentadm ]]; then
    _agentadm "$@"
else
    (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
    compdef _agentadm agentadm
fi
"""

FISH_SCRIPT = r"""function __agentadm_completion
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (_AGENTADM_COMPLETE=fish $words[1] $words[2..-1] "$current" </dev/null 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$current"
        else
            printf '%s\n' "$line"
        end
    end
end
complete --command agentadm --no-files --keep-order --arguments '(__agentadm_completion)'
"""

SCRIPTS = {Shell.BASH: BASH_SCRIPT, Shell.ZSH: ZSH_SCRIPT, Shell.FISH: FISH_SCRIPT}


class _Finder(ShellComplete):
    """Typer's way from words to candidates; reading words and writing answers is ours."""

    def source_vars(self) -> dict[str, Any]:
        """Nothing: the script is ours."""
        return {}

    def get_completion_args(self) -> tuple[list[str], str]:
        """Nothing: words come with the call."""
        return [], ""

    def format_completion(self, item: CompletionItem) -> str:
        """The bare value."""
        return str(item.value)


def answer(root: Any, arguments: list[str], invocation: "Invocation") -> int:
    """Write the candidates to stdout. Silent, and 0, whatever goes wrong.

    Args:
        root: the root command.
        arguments: the words after the program's name, the unfinished one last; bash sends its line instead.
        invocation: environment and streams.
    """
    shell = invocation.environ.get(REQUEST)
    lines: list[str] = []
    try:
        line = invocation.environ.get(LINE, "")
        words = _words(line) if shell == Shell.BASH else arguments
        *before, unfinished = words or [""]
        # A quote that is still open is the shell's.
        unfinished = unfinished.lstrip("\"'")
        cut = _cut(unfinished, line, invocation.environ.get(BREAKS, "")) if shell == Shell.BASH else 0
        # --option=value is one word to us, and one or three to the shells.
        typed = unfinished.partition("=")[2] if unfinished.startswith("-") and "=" in unfinished else unfinished
        ahead = unfinished[: len(unfinished) - len(typed)]
        for item in _Finder(root, {"obj": invocation}, root.name, REQUEST).get_completions(before, unfinished):
            if item.type in {"file", "dir"}:
                lines.append(FILES)
            elif PLAIN_WORD.fullmatch(str(item.value)):
                whole = f"{ahead}{item.value}"[cut:]
                told = "" if shell == Shell.BASH or not item.help else "\t" + _told(item.help)
                lines.append(whole + told)
    except Exception:  # noqa: BLE001 - who presses the tab key did not ask for an error
        return 0
    invocation.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _words(line: str) -> list[str]:
    """The words of bash's line up to the cursor, after the program's name; the unfinished one last."""
    words = split_arg_string(line)
    while words and re.fullmatch(r"\w+=.*", words[0], re.DOTALL):
        del words[0]
    return words[1:] + ([""] if line[-1:].isspace() else [])


def _cut(unfinished: str, line: str, breaks: str) -> int:
    """How much of the unfinished word bash leaves as it stands: it takes ada@example.com for three words."""
    typed = re.split(r"\s", line)[-1]
    if typed[:1] in {"'", '"'}:
        return 0
    place = max((place for place, letter in enumerate(unfinished) if letter in breaks), default=-1)
    # Readline breaks before an @, and after any other.
    return place if unfinished[place : place + 1] == "@" else place + 1


def _told(text: str) -> str:
    return NOT_TOLD.sub(" ", text.splitlines()[0])[:60].strip()


def candidates(told: dict[str, str], incomplete: str) -> list[CompletionItem]:
    """Words that begin like what was typed, with what is told of them."""
    return [CompletionItem(word, help=told[word]) for word in told if word.startswith(incomplete)]


def file_candidate(incomplete: str) -> CompletionItem:
    """Whatever file the shell finds."""
    return CompletionItem(incomplete, type="file")


def script_of(shell: str) -> str:
    """The script of a shell.

    Raises:
        UsageError: there is none for it.
    """
    if shell not in set(Shell):
        from platform_core.errors import UsageError
        from platform_core.near import did_you_mean

        known = [str(name) for name in Shell]
        raise UsageError(f"no completion for {shell!r}{did_you_mean(shell, known)}", f"shells: {', '.join(known)}")
    return SCRIPTS[Shell(shell)]
