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

func TestKstatusTakesEveryStatusAsTheCatalogueSays(t *testing.T) {
	for _, status := range statuses(t) {
		t.Run(status.Case, func(t *testing.T) {
			object := live(t, status.Object)
			if found := computed(t, object); found != status.Kstatus {
				t.Errorf("%s, not %s", found, status.Kstatus)
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

// kstatus takes an object without any status for done; the API server shows one with the default of the schema.
func TestAnObjectThatNobodyHasSeenIsInProgress(t *testing.T) {
	var object map[string]any
	read(t, filepath.Join(repository, kind, "testdata/progressing_new.yaml"), &object)
	if found := computed(t, live(t, object)); found != "InProgress" {
		t.Errorf("%s, not InProgress", found)
	}
}
