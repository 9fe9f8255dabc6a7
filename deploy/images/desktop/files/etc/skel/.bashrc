# The prompt is the folder alone: there is one person and one machine here.
[ -z "${PS1:-}" ] && return
PS1='\[\e[38;5;110m\]\w\[\e[0m\] \$ '
alias ls='ls --color=auto'
HISTCONTROL=ignoreboth
shopt -s checkwinsize
