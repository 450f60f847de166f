package gitops

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	root       = "../.."
	repository = root + "/deploy/argocd/resource_customizations"
	kind       = "synapse-spark.dev/SynapseSparkAttachment"
)

// status is one of the statuses that the operator can write, and what is to be made of it.
type status struct {
	Case    string         `json:"case"`
	ArgoCD  string         `json:"argocd"`
	Kstatus string         `json:"kstatus"`
	Object  map[string]any `json:"object"`
}

func statuses(t *testing.T) []status {
	t.Helper()
	var all []status
	read(t, root+"/tests/fixtures/statuses.yaml", &all)
	if len(all) < 40 {
		t.Fatalf("only %d statuses", len(all))
	}
	return all
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	bytes, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes)
}

// live gives the object as a client of the API server has it: with whole numbers.
func live(t *testing.T, object map[string]any) *unstructured.Unstructured {
	t.Helper()
	bytes, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if bytes, err = yaml.YAMLToJSON(bytes); err != nil {
		t.Fatal(err)
	}
	result := &unstructured.Unstructured{}
	if err := result.UnmarshalJSON(bytes); err != nil {
		t.Fatal(err)
	}
	return result
}

// ready gives the reason and the message of the condition Ready.
func ready(t *testing.T, object *unstructured.Unstructured) (reason, message string) {
	t.Helper()
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range conditions {
		condition := one.(map[string]any)
		if condition["type"] == "Ready" {
			return condition["reason"].(string), condition["message"].(string)
		}
	}
	t.Fatal("Ready is always there")
	return "", ""
}

// moment is what others make of an object that the operator has seen.
type moment struct {
	name            string
	change          func(*unstructured.Unstructured)
	argocd, kstatus string
}

func moments(object *unstructured.Unstructured) []moment {
	changed := func(object *unstructured.Unstructured) { object.SetGeneration(object.GetGeneration() + 1) }
	deleted := func(object *unstructured.Unstructured) {
		changed(object)
		object.SetDeletionTimestamp(&metav1.Time{Time: time.Unix(1772443920, 0)})
	}
	if object.GetDeletionTimestamp() != nil {
		return []moment{{"the spec has just been changed", changed, "Progressing", "Terminating"}}
	}
	return []moment{
		{"the spec has just been changed", changed, "Progressing", "InProgress"},
		{"it has just been deleted", deleted, "Progressing", "Terminating"},
	}
}
