package sdk

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// Of tests/emulator/seeds/default.json.
	tenant   = "72f988bf-0000-4000-8000-000000000001"
	clientID = "11111111-2222-3333-4444-555555555555"
	secret   = "emulator-secret-not-a-real-one"
)

// azure is the emulator, which all tests share.
var azure *emulator

type emulator struct {
	Endpoint  string `json:"endpoint"`
	Authority string `json:"authority"`
	CA        string `json:"ca"`
	// http trusts the emulator's certificate, and nothing else.
	http    *http.Client
	process *exec.Cmd
	// The emulator ends when this is closed, so it does not outlive the tests, however they end.
	stdin io.Closer
	log   *bytes.Buffer
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "azure-emulator-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if azure, err = start(folder); err != nil {
		return 1, err
	}
	code := m.Run()
	return code, azure.end()
}

// start runs the program that EMULATOR_BINARY names, or else the one that `make build` writes.
func start(folder string) (*emulator, error) {
	program := os.Getenv("EMULATOR_BINARY")
	if program == "" {
		program = filepath.FromSlash("../../target/debug/azure-emulator")
	}
	started := &emulator{log: &bytes.Buffer{}}
	started.process = exec.Command(program, "--dir", folder, "--operation-duration", "100ms", "--exit-with-stdin")
	started.process.Stderr = started.log
	stdin, err := started.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	started.stdin = stdin
	stdout, err := started.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := started.process.Start(); err != nil {
		return nil, fmt.Errorf("the emulator cannot be started; run `make build` first: %w", err)
	}
	// One line of JSON, when it is ready.
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, started)
	}
	if err == nil {
		err = started.trust()
	}
	if err != nil {
		return nil, fmt.Errorf("the emulator did not start: %w\n%w", err, started.end())
	}
	return started, nil
}

func (one *emulator) trust() error {
	pem, err := os.ReadFile(one.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s contains no certificate", one.CA)
	}
	// Without Proxy: the emulator is on this machine, whatever proxy the environment names.
	one.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	return nil
}

func (one *emulator) end() error {
	one.stdin.Close()
	if err := one.process.Wait(); err != nil {
		return fmt.Errorf("the emulator ended with %w\n%s", err, one.log)
	}
	return nil
}

// control calls the emulator's control API.
func (one *emulator) control(t *testing.T, method, path string, query url.Values, body, into any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	// Not the test's context, which has ended when a cleanup runs.
	request, err := http.NewRequest(method, one.Endpoint+"/_emulator/"+path+"?"+query.Encode(), content)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := one.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %s\n%s", method, path, answer.Status, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, text)
		}
	}
}

// seed adds resources.
func (one *emulator) seed(t *testing.T, world map[string]any) {
	t.Helper()
	one.control(t, "PUT", "world", nil, world, nil)
}

// set changes settings until the test ends.
func (one *emulator) set(t *testing.T, settings map[string]any) {
	t.Helper()
	var before map[string]any
	one.control(t, "GET", "settings", nil, nil, &before)
	restored := map[string]any{}
	for name := range settings {
		restored[name] = before[name]
	}
	one.control(t, "PATCH", "settings", nil, settings, nil)
	t.Cleanup(func() { one.control(t, "PATCH", "settings", nil, restored, nil) })
}

// fault makes the emulator treat some requests in another way. A fault that no request has met when the test ends is removed.
func (one *emulator) fault(t *testing.T, fault map[string]any) {
	t.Helper()
	one.control(t, "POST", "faults", nil, fault, nil)
	t.Cleanup(func() { one.control(t, "DELETE", "faults", nil, nil, nil) })
}

// sent is a request in the emulator's journal.
type sent struct {
	Seq    int             `json:"seq"`
	At     time.Time       `json:"at"`
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Query  string          `json:"query"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

// journal lists the requests whose path has this part, in any case.
func (one *emulator) journal(t *testing.T, part string) []sent {
	t.Helper()
	var all struct {
		Requests []sent `json:"requests"`
	}
	one.control(t, "GET", "journal", nil, nil, &all)
	var found []sent
	for _, request := range all.Requests {
		if strings.Contains(strings.ToLower(request.Path), strings.ToLower(part)) {
			found = append(found, request)
		}
	}
	return found
}
