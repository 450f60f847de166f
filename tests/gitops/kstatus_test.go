package gitops

import (
	"path/filepath"
	"testing"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func computed(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	result, err := kstatus.Compute(object)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status.String()
}

func TestKstatusComputesWhatTheCatalogueStates(t *testing.T) {
	for _, one := range states(t) {
		t.Run(one.name(), func(t *testing.T) {
			object := one.object
			if found := computed(t, object); found != one.Kstatus {
				t.Errorf("%s, not %s", found, one.Kstatus)
			}
			if found := computed(t, withFailedJobChecks(t, object)); found != one.Kstatus {
				t.Errorf("with failed job checks: %s, not %s", found, one.Kstatus)
			}
			for _, moment := range moments(object) {
				later := object.DeepCopy()
				moment.change(later)
				if found := computed(t, later); found != moment.kstatus {
					t.Errorf("%s: %s, not %s", moment.name, found, moment.kstatus)
				}
			}
		})
	}
}

// kstatus treats an object without any status as Current, so the schema has a default that the API server adds.
func TestAnObjectThatTheOperatorHasNotObservedIsInProgress(t *testing.T) {
	var object map[string]any
	read(t, filepath.Join(repository, kind, "testdata/progressing_new.yaml"), &object)
	if found := computed(t, live(t, object)); found != "InProgress" {
		t.Errorf("%s, not InProgress", found)
	}
}
