package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With this variable set the test program is the harness itself, so that the
// tests run what was just compiled and not an earlier build in bin.
const asHarness = "CONTROL_PLANE_TEST_AS_HARNESS"

func TestMain(m *testing.M) {
	if os.Getenv(asHarness) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestKubeconfigIsReadAsWritten(t *testing.T) {
	want := cluster{server: "https://127.0.0.1:1", ca: []byte("PEM"), token: "secret"}
	text, err := renderKubeconfig(want, "system:serviceaccount:work:sp", "work")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"current-context": "control-plane"`, `"namespace": "work"`, `"certificate-authority-data": "UEVN"`} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := writeFile(path, text); err != nil {
		t.Fatal(err)
	}
	if information, err := os.Stat(path); err != nil || information.Mode() != 0o600 {
		t.Errorf("mode %v, %v", information.Mode(), err)
	}
	got, err := readKubeconfig(path)
	if err != nil || got.server != want.server || !bytes.Equal(got.ca, want.ca) || got.token != want.token {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestForeignKubeconfigIsRefused(t *testing.T) {
	for _, text := range []string{"apiVersion: v1\nkind: Config\n", `{"clusters":[]}`} {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readKubeconfig(path); err == nil || !strings.Contains(err.Error(), `no kubeconfig of "control-plane up"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCredentialsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	token, file, err := ensureAdminToken(dir)
	if err != nil || len(token) != 64 {
		t.Fatal(token, err)
	}
	if text, _ := os.ReadFile(file); string(text) != token+",admin,admin,system:masters\n" {
		t.Errorf("%s", text)
	}
	again, _, err := ensureAdminToken(dir)
	if err != nil || again != token {
		t.Errorf("%s became %s, %v", token, again, err)
	}

	private, public, err := ensureKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(private)
	if _, _, err := ensureKeys(dir); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(private); !bytes.Equal(before, after) {
		t.Error("the key changed")
	}
	publicPEM, _ := os.ReadFile(public)
	privateBlock, _ := pem.Decode(before)
	publicBlock, _ := pem.Decode(publicPEM)
	key, err := x509.ParsePKCS1PrivateKey(privateBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x509.ParsePKIXPublicKey(publicBlock.Bytes); err != nil || !key.PublicKey.Equal(got) {
		t.Errorf("the public key is not the private one's: %v", err)
	}
	if other, _, err := ensureAdminToken(t.TempDir()); err != nil || other == token {
		t.Errorf("the same token twice, %v", err)
	}
}

// stub is an API server that always gives the same answer and records the requests.
func stub(t *testing.T, status int, answer string) (cluster, *string) {
	asked := new(string)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = fmt.Sprintf("%s %s %s %s", r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization"), body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return cluster{server: server.URL, ca: ca, token: "secret"}, asked
}

func TestTokenRequest(t *testing.T) {
	for _, test := range []struct {
		audiences []string
		spec      string
	}{
		{nil, `{"expirationSeconds":3600}`},
		{[]string{"api://x"}, `{"audiences":["api://x"],"expirationSeconds":3600}`},
	} {
		c, asked := stub(t, http.StatusCreated, `{"status":{"token":"granted"}}`)
		token, err := requestToken(t.Context(), c, "work", "a/b", test.audiences, time.Hour)
		if err != nil || token != "granted" {
			t.Errorf("got %q, %v", token, err)
		}
		want := `POST /api/v1/namespaces/work/serviceaccounts/a%2Fb/token Bearer secret ` +
			`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":` + test.spec + `}`
		if *asked != want {
			t.Errorf("asked %s\nwant  %s", *asked, want)
		}
	}
}

func TestRefusalContainsTheReason(t *testing.T) {
	for answer, why := range map[string]string{
		`{"kind":"Status","message":"serviceaccounts \"x\" not found"}`: `404 Not Found: serviceaccounts "x" not found`,
		"plain text\n": "404 Not Found: plain text",
	} {
		c, _ := stub(t, http.StatusNotFound, answer)
		_, err := requestToken(t.Context(), c, "work", "x", nil, time.Hour)
		if err == nil || !strings.HasSuffix(err.Error(), why) {
			t.Errorf("got %v, want … %s", err, why)
		}
	}
}

func TestCommandLineMistakes(t *testing.T) {
	for _, test := range []struct{ line, says string }{
		{"", "a command is missing"},
		{"down", `"down" is no command`},
		{"up", "--dir is missing"},
		{"up --dir d e", `unexpected "e"`},
		{"up --nope", "-nope"},
		{"token --admin k --namespace n --service-account s", "--out is missing"},
		{"token --audience=", "it is empty"},
	} {
		err := run(strings.Fields(test.line))
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v", test.line, err)
		}
	}
}

func TestHelpers(t *testing.T) {
	if got := tail("1\n2\n3\n", 2); got != "2\n3" {
		t.Errorf("tail: %q", got)
	}
	if got := environment([]string{"PATH=/bin", "ETCD_NAME=x"}); !slices.Equal(got, []string{"PATH=/bin"}) {
		t.Errorf("environment: %q", got)
	}
	ports, err := freePorts(3)
	slices.Sort(ports)
	if err != nil || len(slices.Compact(ports)) != 3 {
		t.Errorf("ports: %q, %v", ports, err)
	}
	dir := t.TempDir()
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); err == nil {
		t.Error("two locks on one folder")
	}
	lock.Close()
}

// From here on the tests run the real programs.

func programs(t *testing.T) string {
	bin, err := filepath.Abs("bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"} {
		if !exists(filepath.Join(bin, name)) {
			t.Skipf("no %s in bin; ./build makes it", name)
		}
	}
	return bin
}

// harness is a running "control-plane up".
type harness struct {
	dir     string
	command *exec.Cmd
	stdin   io.Closer
	stderr  *bytes.Buffer
	facts   facts
}

func launch(t *testing.T, more ...string) *harness {
	bin := programs(t)
	h := &harness{dir: filepath.Join(t.TempDir(), "plane"), stderr: new(bytes.Buffer)}
	h.command = exec.Command(os.Args[0], append([]string{"up", "--bin", bin, "--dir", h.dir}, more...)...)
	h.command.Env = append(os.Environ(), asHarness+"=1")
	h.command.Stderr = h.stderr
	stdin, err := h.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.stdin = stdin
	stdout, err := h.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.command.Process.Kill()
		_ = h.command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		_ = h.command.Wait()
		t.Fatalf("no line on stdout: %v\n%s", err, h.stderr)
	}
	if err := json.Unmarshal(line, &h.facts); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return h
}

// running finds the programs that work in the harness's folder, by name.
func (h *harness) running(t *testing.T) map[string]int {
	found := map[string]int{}
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || paths == nil {
		t.Skip("no /proc to see processes in")
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		var pid int
		if _, scanErr := fmt.Sscanf(path, "/proc/%d/", &pid); err != nil || scanErr != nil || pid == h.command.Process.Pid {
			continue
		}
		if bytes.Contains(text, []byte(h.dir+"/")) {
			name, _, _ := bytes.Cut(text, []byte{0})
			found[filepath.Base(string(name))] = pid
		}
	}
	return found
}

func (h *harness) mustRunAll(t *testing.T) {
	t.Helper()
	if found := h.running(t); len(found) != 3 {
		t.Fatalf("running: %v", found)
	}
}

func (h *harness) mustRunNothing(t *testing.T, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		found := h.running(t)
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %v\n%s", found, h.stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (h *harness) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command(h.facts.Kubectl, append([]string{"--kubeconfig", h.facts.Kubeconfig}, args...)...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", args, err, output)
	}
	return string(output)
}

func TestTheControlPlaneWorksAndEndsWithStdin(t *testing.T) {
	folder := t.TempDir()
	h := launch(t)
	h.mustRunAll(t)
	if h.facts.Issuer != issuer || h.facts.Server[:18] != "https://127.0.0.1:" {
		t.Errorf("%+v", h.facts)
	}

	h.kubectl(t, "create", "namespace", "work")
	h.kubectl(t, "--namespace", "work", "create", "serviceaccount", "sp")

	token := filepath.Join(folder, "token")
	if err := run([]string{
		"token", "--admin", h.facts.Kubeconfig, "--namespace", "work", "--service-account", "sp",
		"--audience", "api://AzureADTokenExchange", "--out", token,
	}); err != nil {
		t.Fatal(err)
	}
	claims := verified(t, token, h.facts.JWKS)
	if claims.Issuer != issuer || claims.Subject != "system:serviceaccount:work:sp" ||
		!slices.Equal(claims.Audience, []string{"api://AzureADTokenExchange"}) || claims.Expires-claims.Issued != 3600 {
		t.Errorf("%+v", claims)
	}

	own := filepath.Join(folder, "kubeconfig")
	if err := run([]string{
		"kubeconfig", "--admin", h.facts.Kubeconfig, "--namespace", "work", "--service-account", "sp", "--out", own,
	}); err != nil {
		t.Fatal(err)
	}
	if who := h.kubectl(t, "--kubeconfig", own, "auth", "whoami"); !strings.Contains(who, "system:serviceaccount:work:sp") {
		t.Error(who)
	}
	if output, err := exec.Command(h.facts.Kubectl, "--kubeconfig", own, "get", "secrets").CombinedOutput(); err == nil ||
		!bytes.Contains(output, []byte(`Forbidden`)) {
		t.Errorf("a ServiceAccount without permissions: %v\n%s", err, output)
	}
	h.kubectl(t, "delete", "namespace", "work", "--timeout", "60s")
	mustAudit(t, h.facts.Audit)

	// An open watch must not hold up the end.
	watch := exec.Command(h.facts.Kubectl, "--kubeconfig", h.facts.Kubeconfig, "get", "namespaces", "--watch")
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	began := time.Now()
	h.stdin.Close()
	if err := h.command.Wait(); err != nil {
		t.Errorf("%v\n%s", err, h.stderr)
	}
	if took := time.Since(began); took >= grace {
		t.Errorf("it took %s to end", took)
	}
	_ = watch.Process.Kill()
	_ = watch.Wait()
	h.mustRunNothing(t, 0)
}

// mustAudit looks for the one refusal of a ServiceAccount, and for anything that
// is not a ServiceAccount's, or is a request that has no answer yet.
func mustAudit(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for line := range strings.Lines(string(text)) {
		var event struct {
			Stage, Verb string
			User        struct{ Username string }
			ObjectRef   struct{ Resource string }
			Annotations map[string]string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if event.User.Username != "system:serviceaccount:work:sp" || event.Stage == "RequestReceived" {
			t.Error(line)
		}
		if event.ObjectRef.Resource == "secrets" && event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d refusals in %s", refused, text)
	}
}

type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
}

// verified checks a token's signature against the published keys.
func verified(t *testing.T, token, jwks string) (c claims) {
	t.Helper()
	text, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	keysText, err := os.ReadFile(jwks)
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Keys []struct{ N, E string }
	}
	if err := json.Unmarshal(keysText, &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("%s: %v", keysText, err)
	}
	parts := strings.Split(string(text), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts in the token", len(parts))
	}
	decode := func(part string) []byte {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		return decoded
	}
	key := &rsa.PublicKey{
		N: new(big.Int).SetBytes(decode(keys.Keys[0].N)),
		E: int(new(big.Int).SetBytes(decode(keys.Keys[0].E)).Int64()),
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], decode(parts[2])); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(decode(parts[1]), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAControlPlaneCanRunWithoutControllers(t *testing.T) {
	h := launch(t, "--controllers", "none")
	if found := h.running(t); len(found) != 2 || found["kube-controller-manager"] != 0 {
		t.Errorf("running: %v", found)
	}
	h.kubectl(t, "create", "serviceaccount", "sp")
}

func TestNothingOutlivesAKilledHarness(t *testing.T) {
	h := launch(t, "--keep")
	h.stdin.Close()
	time.Sleep(time.Second)
	h.mustRunAll(t) // --keep: the end of stdin is nothing to it
	if err := h.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	h.mustRunNothing(t, 5*time.Second)
}

func TestADeathEndsTheOtherProgramsAndIsReported(t *testing.T) {
	h := launch(t)
	if err := syscall.Kill(h.running(t)["kube-controller-manager"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := h.command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	_, reported, _ := strings.Cut(h.stderr.String(), "kube-controller-manager ended by itself (signal: killed)")
	if strings.Count(reported, "\n") != 21 {
		t.Errorf("%s", h.stderr)
	}
	h.mustRunNothing(t, 0)
}

func TestAnotherPortIsUsedIfOneIsTaken(t *testing.T) {
	dir := t.TempDir()
	o := options{dir: dir, auditLog: filepath.Join(dir, "audit.log"), bin: programs(t), controllers: defaultControllers}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	calls := 0
	free := func(count int) ([]string, error) {
		ports, err := freePorts(count)
		// First etcd's port is taken, then kube-apiserver's, then none.
		if calls < 2 {
			_, ports[2*calls], _ = net.SplitHostPort(taken.Addr().String())
		}
		calls++
		return ports, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	p, err := bringUp(ctx, o, nil, free)
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	if calls != 3 {
		t.Errorf("%d attempts", calls)
	}
}
