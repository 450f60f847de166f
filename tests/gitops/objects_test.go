package gitops

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// state is one of the states that the operator can report, and what Argo CD and kstatus are to make of it.
type state struct {
	Reason     string               `json:"reason"`
	Wish       string               `json:"wish"`
	ArgoCD     string               `json:"argocd"`
	Kstatus    string               `json:"kstatus"`
	Conditions map[string]string    `json:"conditions"`
	Message    string               `json:"message"`
	Others     map[string][2]string `json:"others"`
	Status     map[string]any       `json:"status"`
	object     *unstructured.Unstructured
}

// name is the name of the state's test.
func (one *state) name() string {
	var words []string
	for kind, status := range one.Conditions {
		words = append(words, kind+"="+status)
	}
	slices.Sort(words)
	return strings.Join([]string{one.Reason, one.Wish, strings.Join(words, ",")}, "/")
}

// states reads the fixture, and builds the object of each state from what the entry states.
func states(t *testing.T) []state {
	t.Helper()
	var fixture struct {
		Object            map[string]any `json:"object"`
		DeletionTimestamp metav1.Time    `json:"deletionTimestamp"`
		States            []state        `json:"states"`
	}
	read(t, root+"/tests/fixtures/statuses.yaml", &fixture)
	if len(fixture.States) < 60 {
		t.Fatalf("only %d states", len(fixture.States))
	}
	base := live(t, fixture.Object)
	names := map[string]bool{}
	for at := range fixture.States {
		one := &fixture.States[at]
		if names[one.name()] {
			t.Fatalf("two states %s", one.name())
		}
		names[one.name()] = true
		one.object = base.DeepCopy()
		one.build(t, fixture.DeletionTimestamp)
	}
	return fixture.States
}

// build changes the object to what the entry states.
func (one *state) build(t *testing.T, deleted metav1.Time) {
	t.Helper()
	switch one.Wish {
	case "Attached":
	case "Suspended":
		set(t, one.object, true, "spec", "suspend")
	case "Deleted":
		one.object.SetDeletionTimestamp(&deleted)
	default:
		t.Fatalf("%s: no wish is %q", one.Reason, one.Wish)
	}
	for name, value := range one.Status {
		set(t, one.object, value, "status", name)
	}
	var conditions []any
	add := func(kind, status, reason, message string) {
		conditions = append(conditions, map[string]any{
			"type": kind, "status": status, "reason": reason, "message": message,
			"observedGeneration": one.object.GetGeneration(), "lastTransitionTime": "2027-01-15T08:00:00Z",
		})
	}
	for _, kind := range slices.Sorted(maps.Keys(one.Conditions)) {
		add(kind, one.Conditions[kind], one.Reason, one.Message)
	}
	for _, kind := range slices.Sorted(maps.Keys(one.Others)) {
		add(kind, one.Others[kind][0], one.Others[kind][1], "")
	}
	set(t, one.object, conditions, "status", "conditions")
}

func set(t *testing.T, object *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(object.Object, value, path...); err != nil {
		t.Fatal(err)
	}
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

// withFailedJobChecks adds the condition JobsReady, which is about jobs and not about the attachment.
func withFailedJobChecks(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	changed := object.DeepCopy()
	conditions, _, err := unstructured.NestedSlice(changed.Object, "status", "conditions")
	if err != nil {
		t.Fatal(err)
	}
	conditions = append(conditions, map[string]any{
		"type": "JobsReady", "status": "False", "reason": "JobChecksFailed", "message": "1 of 13 checks failed: synapse-role",
		"lastTransitionTime": "2026-03-02T09:00:00Z", "observedGeneration": object.GetGeneration(),
	})
	if err := unstructured.SetNestedSlice(changed.Object, conditions, "status", "conditions"); err != nil {
		t.Fatal(err)
	}
	return changed
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
