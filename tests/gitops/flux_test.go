package gitops

import (
	"regexp"
	"testing"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// checks are the healthCheckExprs of docs/gitops-flux.md.
func checks(t *testing.T) map[string]cel.Program {
	t.Helper()
	block := regexp.MustCompile("(?s)```yaml\n(healthCheckExprs:.*?)```").FindStringSubmatch(text(t, root+"/docs/gitops-flux.md"))
	if block == nil {
		t.Fatal("the page has no healthCheckExprs")
	}
	var parsed struct {
		HealthCheckExprs []map[string]string `json:"healthCheckExprs"`
	}
	if err := yaml.UnmarshalStrict([]byte(block[1]), &parsed); err != nil {
		t.Fatal(err)
	}
	if len(parsed.HealthCheckExprs) != 1 {
		t.Fatalf("%d kinds", len(parsed.HealthCheckExprs))
	}
	expressions := parsed.HealthCheckExprs[0]
	if expressions["apiVersion"]+"/"+expressions["kind"] != "synapse-spark.dev/v1alpha1/SynapseSparkAttachment" {
		t.Errorf("it is for %s %s", expressions["apiVersion"], expressions["kind"])
	}
	delete(expressions, "apiVersion")
	delete(expressions, "kind")
	programs := map[string]cel.Program{}
	for name, expression := range expressions {
		env, err := cel.NewEnv()
		if err != nil {
			t.Fatal(err)
		}
		tree, issues := env.Parse(expression)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", name, issues.Err())
		}
		if programs[name], err = env.Program(tree); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return programs
}

// evaluated is what Flux makes of an object with healthCheckExprs: an old generation is in progress, then the first
// expression that is true determines the health. Source: runtime/cel/status_evaluator.go of https://github.com/fluxcd/pkg.
func evaluated(t *testing.T, programs map[string]cel.Program, object *unstructured.Unstructured) string {
	t.Helper()
	observed, found, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if found && observed != object.GetGeneration() {
		return "InProgress"
	}
	for _, one := range []struct{ name, status string }{
		{"inProgress", "InProgress"}, {"failed", "Failed"}, {"current", "Current"},
	} {
		program, found := programs[one.name]
		if !found {
			continue
		}
		result, _, err := program.Eval(object.Object)
		if err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
		if result.Value() == true {
			return one.status
		}
	}
	return "InProgress"
}

func TestWithTheExpressionsOfThePageASuspendedAttachmentDoesNotBlockAKustomization(t *testing.T) {
	programs := checks(t)
	for _, one := range states(t) {
		t.Run(one.name(), func(t *testing.T) {
			object := one.object
			wanted := one.Kstatus
			switch {
			case one.ArgoCD == "Suspended":
				wanted = "Current"
			case wanted == "Terminating" && one.Conditions["Stalled"] == "True":
				wanted = "Failed"
			case wanted == "Terminating":
				wanted = "InProgress"
			}
			if found := evaluated(t, programs, object); found != wanted {
				t.Errorf("%s, not %s", found, wanted)
			}
			object.SetGeneration(object.GetGeneration() + 1)
			if found := evaluated(t, programs, object); found != "InProgress" {
				t.Errorf("the spec has just been changed: %s", found)
			}
		})
	}
}
