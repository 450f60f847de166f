package main

import "syscall"

// attributes make a child die with this process, however that ends, and keep a
// Ctrl-C of the terminal from it: its end is for this process to order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
