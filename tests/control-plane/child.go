package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// child is a program that was started.
type child struct {
	name    string
	log     string
	command *exec.Cmd
	ended   chan struct{} // closed once the program has been waited for
}

// grace is how long a program may take to end after SIGTERM.
const grace = 10 * time.Second

// starts hands work to one thread that lives as long as this process: the
// kernel kills a child when the thread that started it ends, and Go ends
// threads as it likes.
var starts = func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
}()

// start runs a program of the folder bin in the folder dir, with its output in
// a log of its own there.
func start(bin, dir, name string, args ...string) (*child, error) {
	c := &child{name: name, log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.command = exec.Command(filepath.Join(bin, name), args...)
	c.command.Dir = dir
	c.command.Env = environment(os.Environ())
	c.command.Stdout, c.command.Stderr = log, log
	c.command.SysProcAttr = attributes()
	done := make(chan error)
	starts <- func() { done <- c.command.Start() }
	if err := <-done; err != nil {
		return nil, err
	}
	go func() {
		_ = c.command.Wait()
		close(c.ended)
	}()
	return c, nil
}

// environment drops variables that would configure etcd in addition to the command line.
func environment(from []string) []string {
	var kept []string
	for _, variable := range from {
		if !strings.HasPrefix(variable, "ETCD_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (c *child) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// fate describes how the program ended.
func (c *child) fate() string { return c.command.ProcessState.String() }

// stop ends programs together: SIGTERM, and SIGKILL when the grace period is
// over or hurry is closed. It returns when all have been waited for.
func stop(hurry <-chan struct{}, children ...*child) {
	for _, c := range children {
		_ = c.command.Process.Signal(syscall.SIGTERM)
	}
	patience := time.After(grace)
	for _, c := range children {
		select {
		case <-c.ended:
			continue
		case <-patience:
		case <-hurry:
		}
		for _, late := range children {
			_ = late.command.Process.Kill()
		}
		<-c.ended
	}
}

// portTaken reports whether the program's log shows that a port was taken.
func (c *child) portTaken() bool {
	text, _ := os.ReadFile(c.log)
	return bytes.Contains(text, []byte("address already in use"))
}

// lastLines returns the end of the program's log.
func (c *child) lastLines(count int) string {
	text, _ := os.ReadFile(c.log)
	return tail(string(text), count)
}

func tail(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return strings.Join(lines, "\n")
}
