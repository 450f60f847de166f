// Command control-plane runs a real Kubernetes control plane on loopback for
// tests and demos, and hands out credentials for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `control-plane: etcd, kube-apiserver and kube-controller-manager on 127.0.0.1,
for tests and demos. It has no node: objects are stored, checked and watched,
but no pod ever runs.

Usage:

  control-plane up --dir DIR [--audit-log FILE] [--keep]
                   [--controllers LIST] [--timeout 3m] [--bin DIR]

      Starts everything on free ports, waits until it can be used, prints one
      line of JSON on stdout and then runs on:

        {"kubeconfig":"DIR/kubeconfig",  the administrator's
         "server":"https://127.0.0.1:PORT",
         "ca":"DIR/ca.crt",              the API server's certificate authority
         "issuer":"https://kubernetes.default.svc",  of ServiceAccount tokens
         "jwks":"DIR/jwks.json",         the keys that verify those tokens
         "audit":"DIR/audit.log",        what ServiceAccounts asked
         "kubectl":"BIN/kubectl"}        all paths are absolute

      Everything ends when stdin does, or on SIGTERM or SIGINT (a second one
      kills at once); the exit status is then 0. If one of the programs dies by
      itself, the rest is ended, the end of its log is on stderr, and the exit
      status is 1. The programs never outlive this one, not even after SIGKILL.
      Progress goes to stderr, the programs' output to DIR/PROGRAM.log.

      --dir DIR            state, keys and logs; created if missing, never removed.
                           Starting again on the same DIR finds the same objects
                           and credentials, on other ports.
      --audit-log FILE     where kube-apiserver notes each request of a
                           ServiceAccount, one JSON event a line, without
                           bodies (DIR/audit.log)
      --keep               run on after stdin has ended (for "… --keep &")
      --controllers LIST   the controllers that run, separated by commas
                           (` + defaultControllers + `);
                           "none" runs without kube-controller-manager: then
                           deleted namespaces and owned objects stay
      --timeout DURATION   how long the start may take (3m)
      --bin DIR            where the programs are (the folder of this one)

  control-plane kubeconfig --admin KUBECONFIG --namespace NS
                           --service-account NAME --out FILE [--duration 1h]

      Writes a kubeconfig that acts as a ServiceAccount, with that account's
      permissions and no more. The ServiceAccount must exist.

  control-plane token --admin KUBECONFIG --namespace NS
                      --service-account NAME --out FILE
                      [--audience AUDIENCE]... [--duration 1h]

      Writes a ServiceAccount token like the one a projected volume would hold,
      for the audience of the API server unless --audience names another.

      Both need the KUBECONFIG that "up" wrote. They write FILE with mode 0600, whole
      or not at all; "-" is stdout. The API server grants 10m or more.

The exit status is 0, 1 after a failure, 2 after a mistake on the command line.
`

// errUsage marks a mistake on the command line.
var errUsage = errors.New("see control-plane --help")

func main() {
	// Writing to a reader that has gone is an error to act on, not a death.
	signal.Ignore(syscall.SIGPIPE)
	err := run(os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("a command is missing: up, kubeconfig or token; %w", errUsage)
	}
	command, rest := args[0], args[1:]
	var err error
	switch command {
	case "up":
		err = runUp(rest)
	case "kubeconfig":
		err = runKubeconfig(rest)
	case "token":
		err = runToken(rest)
	case "help", "--help", "-help", "-h":
		err = flag.ErrHelp
	default:
		return fmt.Errorf("%q is no command: up, kubeconfig or token; %w", command, errUsage)
	}
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(os.Stdout, usage)
	}
	return err
}

// parse reads flags, of which those named in required must not be empty.
func parse(flags *flag.FlagSet, args []string, required ...string) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%s: %w; %w", flags.Name(), err, errUsage)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected %q; %w", flags.Name(), flags.Arg(0), errUsage)
	}
	for _, name := range required {
		if flags.Lookup(name).Value.String() == "" {
			return fmt.Errorf("%s: --%s is missing; %w", flags.Name(), name, errUsage)
		}
	}
	return nil
}

func runUp(args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.dir, "dir", "", "")
	flags.StringVar(&o.auditLog, "audit-log", "", "")
	flags.BoolVar(&o.keep, "keep", false, "")
	flags.StringVar(&o.controllers, "controllers", defaultControllers, "")
	flags.DurationVar(&o.timeout, "timeout", 3*time.Minute, "")
	flags.StringVar(&o.bin, "bin", "", "")
	if err := parse(flags, args, "dir", "controllers"); err != nil {
		return err
	}
	if o.auditLog == "" {
		o.auditLog = filepath.Join(o.dir, "audit.log")
	}
	if o.bin == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.bin = filepath.Dir(self)
	}
	for _, path := range []*string{&o.dir, &o.auditLog, &o.bin} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return up(o)
}

// account names the ServiceAccount of a token, and the token's file.
type account struct {
	admin, namespace, name, out string
	duration                    time.Duration
}

func (a *account) register(flags *flag.FlagSet) {
	flags.StringVar(&a.admin, "admin", "", "")
	flags.StringVar(&a.namespace, "namespace", "", "")
	flags.StringVar(&a.name, "service-account", "", "")
	flags.StringVar(&a.out, "out", "", "")
	flags.DurationVar(&a.duration, "duration", time.Hour, "")
}

var accountRequired = []string{"admin", "namespace", "service-account", "out"}

// token requests a token from the API server, for its own audience if none is named.
func (a *account) token(audiences []string) (cluster, string, error) {
	admin, err := readKubeconfig(a.admin)
	if err != nil {
		return cluster{}, "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	token, err := requestToken(ctx, admin, a.namespace, a.name, audiences, a.duration)
	return admin, token, err
}

func runKubeconfig(args []string) error {
	flags := flag.NewFlagSet("kubeconfig", flag.ContinueOnError)
	var a account
	a.register(flags)
	if err := parse(flags, args, accountRequired...); err != nil {
		return err
	}
	admin, token, err := a.token(nil)
	if err != nil {
		return err
	}
	user := "system:serviceaccount:" + a.namespace + ":" + a.name
	text, err := renderKubeconfig(cluster{server: admin.server, ca: admin.ca, token: token}, user, a.namespace)
	if err != nil {
		return err
	}
	return output(a.out, text)
}

func runToken(args []string) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	var a account
	a.register(flags)
	var audiences []string
	flags.Func("audience", "", func(audience string) error {
		if strings.TrimSpace(audience) == "" {
			return errors.New("it is empty")
		}
		audiences = append(audiences, audience)
		return nil
	})
	if err := parse(flags, args, accountRequired...); err != nil {
		return err
	}
	_, token, err := a.token(audiences)
	if err != nil {
		return err
	}
	return output(a.out, []byte(token))
}

// output writes a secret to a file, or to stdout for "-".
func output(path string, data []byte) error {
	if path == "-" {
		_, err := os.Stdout.Write(append(data, '\n'))
		return err
	}
	return writeFile(path, data)
}
