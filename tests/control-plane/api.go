package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call sends a request to the API server and returns the body of a 2xx answer.
func call(ctx context.Context, c cluster, method, path string, body []byte) ([]byte, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(c.ca) {
		return nil, errors.New("the kubeconfig holds no certificate authority")
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		DisableKeepAlives: true, // and no proxy: the server is on loopback
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json, */*")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, refusal(method, path, response.Status, answer)
	}
	return answer, nil
}

// refusal formats an answer that is not 2xx: by the message of its Status object
// if it is one.
func refusal(method, path, status string, answer []byte) error {
	var object struct {
		Message string `json:"message"`
	}
	message := strings.TrimSpace(string(answer))
	if json.Unmarshal(answer, &object) == nil && object.Message != "" {
		message = object.Message
	}
	return fmt.Errorf("%s %s: %s: %s", method, path, status, message)
}

// requestToken requests a ServiceAccount token, for the API server itself if no
// audience is named.
func requestToken(ctx context.Context, c cluster, namespace, name string, audiences []string, duration time.Duration) (string, error) {
	type spec struct {
		Audiences         []string `json:"audiences,omitempty"`
		ExpirationSeconds int64    `json:"expirationSeconds"`
	}
	body, err := json.Marshal(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Spec       spec   `json:"spec"`
	}{"authentication.k8s.io/v1", "TokenRequest", spec{audiences, int64(duration / time.Second)}})
	if err != nil {
		return "", err
	}
	path := "/api/v1/namespaces/" + url.PathEscape(namespace) + "/serviceaccounts/" + url.PathEscape(name) + "/token"
	answer, err := call(ctx, c, http.MethodPost, path, body)
	if err != nil {
		return "", err
	}
	var granted struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	if err := json.Unmarshal(answer, &granted); err != nil {
		return "", fmt.Errorf("POST %s: %w", path, err)
	}
	if granted.Status.Token == "" {
		return "", fmt.Errorf("POST %s: the answer holds no token", path)
	}
	return granted.Status.Token, nil
}
