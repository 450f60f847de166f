package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	issuer = "https://kubernetes.default.svc"

	// Namespaces can be deleted, owned objects are, and every namespace gets its
	// ServiceAccount and its kube-root-ca.crt. Nothing makes pods.
	defaultControllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller,root-ca-certificate-publisher-controller"

	// Only requests of ServiceAccounts; the default of every other
	// request is the level None.
	auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
`

	// The value of --controllers for a control plane without kube-controller-manager.
	noControllers = "none"

	attempts = 3
)

type options struct {
	dir, bin    string
	auditLog    string
	controllers string
	keep        bool
	timeout     time.Duration
}

// programs are those that "up" needs.
func (o options) programs() []string {
	programs := []string{"etcd", "kube-apiserver", "kubectl"}
	if o.controllers != noControllers {
		programs = append(programs, "kube-controller-manager")
	}
	return programs
}

// facts is what "up" prints.
type facts struct {
	Kubeconfig string `json:"kubeconfig"`
	Server     string `json:"server"`
	CA         string `json:"ca"`
	Issuer     string `json:"issuer"`
	JWKS       string `json:"jwks"`
	Audit      string `json:"audit"`
	Kubectl    string `json:"kubectl"`
}

// errAsked is the cause of a requested shutdown.
var errAsked = errors.New("asked to end")

// death is the unexpected end of a program.
type death struct{ *child }

func (d death) Error() string {
	return fmt.Sprintf("%s ended by itself (%s); the end of %s:\n%s", d.name, d.fate(), d.log, d.lastLines(20))
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "control-plane: "+format+"\n", args...)
}

func up(o options) error {
	began := time.Now()
	for _, name := range o.programs() {
		if !exists(filepath.Join(o.bin, name)) {
			return fmt.Errorf("%s is missing; ./build makes it", filepath.Join(o.bin, name))
		}
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	lock, err := lockDir(o.dir)
	if err != nil {
		return err
	}
	defer lock.Close()

	ctx, hurry := untilAsked(o.keep)
	starting, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not ready after %s; the logs are in %s", o.timeout, o.dir))
	defer cancel()
	p, err := bringUp(starting, o, hurry, freePorts)
	if errors.Is(err, errAsked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer p.stop()
	line, err := json.Marshal(p.facts())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(os.Stdout, "%s\n", line); err != nil {
		return err
	}
	say("ready on %s after %.1f s", p.admin.server, time.Since(began).Seconds())
	if err := p.watch(ctx); !errors.Is(err, errAsked) {
		return err
	}
	return nil
}

// bringUp starts a control plane, on other ports if one of those is taken
// that were free.
func bringUp(ctx context.Context, o options, hurry <-chan struct{}, free func(int) ([]string, error)) (*plane, error) {
	for attempt := 1; ; attempt++ {
		ports, err := free(3)
		if err != nil {
			return nil, err
		}
		p := &plane{options: o, hurry: hurry}
		err = p.start(ctx, ports)
		if err == nil {
			return p, nil
		}
		p.stop()
		var dead death
		if attempt == attempts || !errors.As(err, &dead) || !dead.portTaken() {
			return nil, err
		}
		say("%s found its port taken; trying other ports", dead.name)
	}
}

// lockDir keeps a second control plane out of a folder, until this process ends.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another control plane runs in %s (%w)", dir, err)
	}
	return file, nil
}

// untilAsked returns a context that ends, with errAsked as its cause, at the end
// of stdin (unless keep) or at a signal, and a channel that a further signal closes.
func untilAsked(keep bool) (context.Context, <-chan struct{}) {
	ctx, end := context.WithCancelCause(context.Background())
	hurry := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		say("%s: ending everything", <-signals)
		end(errAsked)
		<-signals
		close(hurry)
	}()
	if !keep {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			if ctx.Err() == nil {
				say("stdin has ended: ending everything (--keep runs on)")
			}
			end(errAsked)
		}()
	}
	return ctx, hurry
}

// plane is one running control plane.
type plane struct {
	options
	hurry    <-chan struct{}
	admin    cluster
	children []*child // in the order of their start
}

func (p *plane) path(name string) string { return filepath.Join(p.dir, name) }

func (p *plane) facts() facts {
	return facts{
		Kubeconfig: p.path("kubeconfig"),
		Server:     p.admin.server,
		CA:         p.path("ca.crt"),
		Issuer:     issuer,
		JWKS:       p.path("jwks.json"),
		Audit:      p.auditLog,
		Kubectl:    filepath.Join(p.bin, "kubectl"),
	}
}

// start starts everything on three ports and returns when it can be used.
func (p *plane) start(ctx context.Context, ports []string) error {
	private, public, err := ensureKeys(p.dir)
	if err != nil {
		return err
	}
	token, tokens, err := ensureAdminToken(p.dir)
	if err != nil {
		return err
	}
	if err := writeFile(p.path("audit-policy.yaml"), []byte(auditPolicy)); err != nil {
		return err
	}
	etcd, peer := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	p.admin = cluster{server: "https://127.0.0.1:" + ports[2], token: token}

	if err := p.run(ctx, "etcd",
		"--data-dir", p.path("etcd"),
		"--listen-client-urls", etcd,
		"--advertise-client-urls", etcd,
		"--listen-peer-urls", peer,
		"--unsafe-no-fsync",
	); err != nil {
		return err
	}
	if err := p.wait(ctx, "etcd", listens("127.0.0.1:"+ports[0])); err != nil {
		return err
	}

	if err := p.run(ctx, "kube-apiserver",
		"--etcd-servers", etcd,
		"--bind-address", "127.0.0.1",
		// Without an address of its own it searches for a default route, which a
		// machine without a network lacks; and no endpoint can be on loopback.
		"--advertise-address", "127.0.0.1",
		"--endpoint-reconciler-type", "none",
		"--secure-port", ports[2],
		"--cert-dir", p.path("certs"),
		"--service-account-issuer", issuer,
		"--service-account-key-file", public,
		"--service-account-signing-key-file", private,
		"--service-cluster-ip-range", "10.0.0.0/24",
		"--token-auth-file", tokens,
		"--authorization-mode", "RBAC",
		// Otherwise an open watch delays the shutdown until its time limit.
		"--shutdown-watch-termination-grace-period", "1s",
		"--audit-policy-file", p.path("audit-policy.yaml"),
		"--audit-log-path", p.auditLog,
		"--audit-log-maxsize", "0", // one file, however large
		"--v", "1",
	); err != nil {
		return err
	}
	if err := p.wait(ctx, "kube-apiserver's certificate", p.findAuthority); err != nil {
		return err
	}
	if err := p.wait(ctx, "kube-apiserver", p.answers("/readyz")); err != nil {
		return err
	}
	admin, err := renderKubeconfig(p.admin, "admin", "default")
	if err != nil {
		return err
	}
	if err := writeFile(p.path("kubeconfig"), admin); err != nil {
		return err
	}
	jwks, err := call(ctx, p.admin, http.MethodGet, "/openid/v1/jwks", nil)
	if err != nil {
		return err
	}
	if err := writeFile(p.path("jwks.json"), jwks); err != nil {
		return err
	}

	if err := p.wait(ctx, "the namespace default", p.answers("/api/v1/namespaces/default")); err != nil {
		return err
	}
	if p.controllers == noControllers {
		return nil
	}
	if err := p.run(ctx, "kube-controller-manager",
		"--kubeconfig", p.path("kubeconfig"),
		"--service-account-private-key-file", private,
		"--leader-elect=false",
		"--secure-port", "0",
		"--controllers", p.controllers,
		"--v", "1",
	); err != nil {
		return err
	}
	return p.wait(ctx, "its ServiceAccount default", p.answers("/api/v1/namespaces/default/serviceaccounts/default"))
}

// run starts a program, unless a shutdown has been requested.
func (p *plane) run(ctx context.Context, name string, args ...string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	say("starting %s", name)
	c, err := start(p.bin, p.dir, name, args...)
	if err != nil {
		return err
	}
	p.children = append(p.children, c)
	return nil
}

// wait polls until check succeeds, a program dies or ctx ends.
func (p *plane) wait(ctx context.Context, what string, check func(context.Context) error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancel()
		if err == nil {
			return nil
		}
		for _, c := range p.children {
			if c.hasEnded() {
				return death{c}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (waiting for %s: %w)", context.Cause(ctx), what, err)
		case <-tick.C:
		}
	}
}

// findAuthority reads the certificate authority that kube-apiserver created.
func (p *plane) findAuthority(context.Context) error {
	bundle, err := os.ReadFile(p.path("certs/apiserver.crt"))
	if err != nil {
		return err
	}
	if p.admin.ca, err = authorities(bundle); err != nil {
		return err
	}
	return writeFile(p.path("ca.crt"), p.admin.ca)
}

func (p *plane) answers(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := call(ctx, p.admin, http.MethodGet, path, nil)
		return err
	}
}

func listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// watch returns when ctx has ended or a program has died.
func (p *plane) watch(ctx context.Context) error {
	dead := make(chan *child, len(p.children))
	for _, c := range p.children {
		go func() {
			<-c.ended
			dead <- c
		}()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case c := <-dead:
		return death{c}
	}
}

// stop ends everything: etcd last, which the others need to end in order.
func (p *plane) stop() {
	if len(p.children) == 0 {
		return
	}
	stop(p.hurry, p.children[1:]...)
	stop(p.hurry, p.children[0])
}

// freePorts finds free TCP ports of loopback. Another process
// may still take one before it is used.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
