//go:build !linux

package main

import "syscall"

// attributes keep a Ctrl-C of the terminal from a child: its end is for this
// process to order. Only Linux also ends a child whose parent was killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
