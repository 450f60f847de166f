package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// cluster is how to reach an API server, and as whom.
type cluster struct {
	server string // https://127.0.0.1:PORT
	ca     []byte // PEM
	token  string
}

// kubeconfig is the part of the format that is used here. It is written as
// JSON, which every reader of YAML understands and the standard library too.
type kubeconfig struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	CurrentContext string         `json:"current-context"`
	Clusters       []namedCluster `json:"clusters"`
	Users          []namedUser    `json:"users"`
	Contexts       []namedContext `json:"contexts"`
}

type namedCluster struct {
	Name    string `json:"name"`
	Cluster struct {
		Server string `json:"server"`
		CA     []byte `json:"certificate-authority-data"`
	} `json:"cluster"`
}

type namedUser struct {
	Name string `json:"name"`
	User struct {
		Token string `json:"token"`
	} `json:"user"`
}

type namedContext struct {
	Name    string `json:"name"`
	Context struct {
		Cluster   string `json:"cluster"`
		User      string `json:"user"`
		Namespace string `json:"namespace"`
	} `json:"context"`
}

const contextName = "control-plane"

func renderKubeconfig(c cluster, user, namespace string) ([]byte, error) {
	server := namedCluster{Name: contextName}
	server.Cluster.Server, server.Cluster.CA = c.server, c.ca
	who := namedUser{Name: user}
	who.User.Token = c.token
	context := namedContext{Name: contextName}
	context.Context.Cluster, context.Context.User, context.Context.Namespace = contextName, user, namespace
	text, err := json.MarshalIndent(kubeconfig{
		APIVersion:     "v1",
		Kind:           "Config",
		CurrentContext: contextName,
		Clusters:       []namedCluster{server},
		Users:          []namedUser{who},
		Contexts:       []namedContext{context},
	}, "", "  ")
	return append(text, '\n'), err
}

// readKubeconfig reads what renderKubeconfig wrote.
func readKubeconfig(path string) (cluster, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return cluster{}, err
	}
	var k kubeconfig
	if err := json.Unmarshal(text, &k); err != nil {
		return cluster{}, fmt.Errorf("%s is no kubeconfig of \"control-plane up\": %w", path, err)
	}
	if len(k.Clusters) != 1 || len(k.Users) != 1 {
		return cluster{}, fmt.Errorf("%s is no kubeconfig of \"control-plane up\": it names %d clusters and %d users, not one of each",
			path, len(k.Clusters), len(k.Users))
	}
	return cluster{
		server: k.Clusters[0].Cluster.Server,
		ca:     k.Clusters[0].Cluster.CA,
		token:  k.Users[0].User.Token,
	}, nil
}

// ensureKeys makes the key pair that signs ServiceAccount tokens, unless dir
// has one from before.
func ensureKeys(dir string) (private, public string, err error) {
	private, public = filepath.Join(dir, "sa.key"), filepath.Join(dir, "sa.pub")
	if exists(private) && exists(public) {
		return private, public, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", err
	}
	privatePEM := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	if err := writeFile(private, privatePEM); err != nil {
		return "", "", err
	}
	return private, public, writeFile(public, publicPEM)
}

// ensureAdminToken makes the administrator's token and the file of static
// tokens that names it, unless dir has them from before.
func ensureAdminToken(dir string) (token, file string, err error) {
	file = filepath.Join(dir, "tokens.csv")
	text, err := os.ReadFile(file)
	if err == nil {
		token, _, found := strings.Cut(string(text), ",")
		if !found || token == "" {
			return "", "", fmt.Errorf("%s holds no token", file)
		}
		return token, file, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", "", err
	}
	token = hex.EncodeToString(random)
	return token, file, writeFile(file, []byte(token+",admin,admin,system:masters\n"))
}

// authorities picks the certificate authorities out of a PEM bundle: kube-apiserver
// writes its serving certificate and the authority that signed it into one file.
func authorities(bundle []byte) ([]byte, error) {
	var found []byte
	for {
		var block *pem.Block
		block, bundle = pem.Decode(bundle)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if certificate.IsCA {
			found = append(found, pem.EncodeToMemory(block)...)
		}
	}
	if found == nil {
		return nil, errors.New("no certificate authority in it")
	}
	return found, nil
}

// writeFile writes a file with mode 0600, whole or not at all.
func writeFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
