package gitops

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
	"sigs.k8s.io/yaml"
)

// health is what health.lua returns.
// Source: gitops-engine/pkg/health/health.go of https://github.com/argoproj/argo-cd.
type health struct {
	Status          string `json:"status"`
	Message         string `json:"message"`
	DeletionMessage string `json:"deletionMessage"`
}

// run runs a script as Argo CD does, with no more libraries than it has in argocd-cm: package, base, table, and of os
// only the clock. Source: util/lua/lua.go of https://github.com/argoproj/argo-cd, v3.6.1.
func run(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, lua.OpenOs},
	} {
		open := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(open, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	all := state.GetGlobal(lua.OsLibName).(*lua.LTable)
	clock := state.NewTable()
	for _, name := range []string{"time", "date"} {
		clock.RawSetString(name, all.RawGetString(name))
	}
	state.SetGlobal(lua.OsLibName, lua.LNil)
	state.GetField(state.GetGlobal("package"), "loaded").(*lua.LTable).RawSetString(lua.OsLibName, clock)

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	returned := state.Get(-1)
	if returned.Type() != lua.LTTable {
		return nil, fmt.Errorf("returns %s, not a table", returned.Type())
	}
	bytes, err := luajson.Encode(returned)
	if err != nil {
		return nil, err
	}
	var result any
	return result, json.Unmarshal(bytes, &result)
}

// value gives Lua a value of an object of client-go, whose numbers are int64.
func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case bool:
		return lua.LBool(from)
	case string:
		return lua.LString(from)
	case float64:
		return lua.LNumber(from)
	case int64:
		return lua.LNumber(from)
	case []any:
		table := state.NewTable()
		for _, item := range from {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range from {
			table.RawSetString(key, value(state, item))
		}
		return table
	}
	return lua.LNil
}

func healthOf(t *testing.T, script string, object map[string]any) health {
	t.Helper()
	result, err := run(script, object)
	if err != nil {
		t.Fatal(err)
	}
	var found health
	convert(t, result, &found)
	return found
}

func convert(t *testing.T, from, into any) {
	t.Helper()
	bytes, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(bytes)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", bytes, err)
	}
}

func TestArgoCDShowsTheHealthThatTheCatalogueStates(t *testing.T) {
	script := text(t, filepath.Join(repository, kind, "health.lua"))
	for _, one := range states(t) {
		t.Run(one.name(), func(t *testing.T) {
			object := one.object
			found := healthOf(t, script, object.Object)
			if found.Status != one.ArgoCD {
				t.Errorf("%s, not %s", found.Status, one.ArgoCD)
			}
			if text, wanted := found.Message+found.DeletionMessage, one.Reason+": "+one.Message; text != wanted {
				t.Errorf("the message is %q, not %q", text, wanted)
			}
			if deleted := object.GetDeletionTimestamp() != nil; deleted != (found.DeletionMessage != "") {
				t.Errorf("deleted: %v, and the deletionMessage is %q", deleted, found.DeletionMessage)
			}
			if found := healthOf(t, script, withFailedJobChecks(t, object).Object); found.Status != one.ArgoCD {
				t.Errorf("with failed job checks: %s, not %s", found.Status, one.ArgoCD)
			}
			for _, moment := range moments(object) {
				later := object.DeepCopy()
				moment.change(later)
				if found := healthOf(t, script, later.Object); found.Status != moment.argocd {
					t.Errorf("%s: %s, not %s", moment.name, found.Status, moment.argocd)
				}
			}
		})
	}
}

// The form of TestLuaHealthScript of Argo CD's own util/lua/health_test.go.
func TestHealthTest(t *testing.T) {
	var all struct {
		Tests []struct {
			InputPath    string `json:"inputPath"`
			HealthStatus health `json:"healthStatus"`
		} `json:"tests"`
	}
	folder := filepath.Join(repository, kind)
	read(t, folder+"/health_test.yaml", &all)
	tried := map[string]bool{}
	for _, one := range all.Tests {
		t.Run(one.InputPath, func(t *testing.T) {
			var object map[string]any
			read(t, filepath.Join(folder, one.InputPath), &object)
			tried[filepath.Base(one.InputPath)] = true
			if found := healthOf(t, text(t, folder+"/health.lua"), object); found != one.HealthStatus {
				t.Errorf("%+v, not %+v", found, one.HealthStatus)
			}
		})
	}
	inputs, _ := filepath.Glob(folder + "/testdata/*.yaml")
	if len(inputs) == 0 {
		t.Fatal("there is no testdata")
	}
	for _, input := range inputs {
		if !tried[filepath.Base(input)] {
			t.Errorf("%s is in no test", input)
		}
	}
}

// action is a ResourceAction of Argo CD.
type action struct {
	Name        string `json:"name"`
	Disabled    bool   `json:"disabled"`
	IconClass   string `json:"iconClass"`
	DisplayName string `json:"displayName"`
}

// The form of TestLuaResourceActionsScript of Argo CD's own util/lua/custom_actions_test.go.
func TestActionTest(t *testing.T) {
	var all struct {
		DiscoveryTests []struct {
			InputPath string   `json:"inputPath"`
			Result    []action `json:"result"`
		} `json:"discoveryTests"`
		ActionTests []struct {
			Action             string `json:"action"`
			InputPath          string `json:"inputPath"`
			ExpectedOutputPath string `json:"expectedOutputPath"`
		} `json:"actionTests"`
	}
	folder := filepath.Join(repository, kind, "actions")
	read(t, folder+"/action_test.yaml", &all)
	for _, one := range all.DiscoveryTests {
		t.Run("discovery/"+one.InputPath, func(t *testing.T) {
			var object map[string]any
			read(t, filepath.Join(folder, one.InputPath), &object)
			if found := actionsOf(t, text(t, folder+"/discovery.lua"), object); !reflect.DeepEqual(found, sorted(one.Result)) {
				t.Errorf("%+v, not %+v", found, one.Result)
			}
		})
	}
	if len(all.ActionTests) == 0 {
		t.Fatal("no action is tested")
	}
	for _, one := range all.ActionTests {
		t.Run("actions/"+one.Action, func(t *testing.T) {
			var object, wanted map[string]any
			read(t, filepath.Join(folder, one.InputPath), &object)
			read(t, filepath.Join(folder, one.ExpectedOutputPath), &wanted)
			found, err := run(text(t, filepath.Join(folder, one.Action, "action.lua")), object)
			if err != nil {
				t.Fatal(err)
			}
			if found, wanted := timeless(t, found), timeless(t, wanted); found != wanted {
				t.Errorf("%s\nnot\n%s", found, wanted)
			}
		})
	}
}

func actionsOf(t *testing.T, script string, object map[string]any) []action {
	t.Helper()
	result, err := run(script, object)
	if err != nil {
		t.Fatal(err)
	}
	var byName map[string]action
	convert(t, result, &byName)
	var found []action
	for name, one := range byName {
		one.Name = name
		found = append(found, one)
	}
	return sorted(found)
}

func sorted(actions []action) []action {
	slices.SortFunc(actions, func(a, b action) int { return strings.Compare(a.Name, b.Name) })
	return actions
}

// timeless gives an object as text, without the one value that the clock makes.
func timeless(t *testing.T, object any) string {
	t.Helper()
	bytes, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`("synapse-spark.dev/reconcile-requested-at": )"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`)
	return asked.ReplaceAllString(string(bytes), "${1}NOW")
}

// The settings that users install are those that were tested.
func TestSettings(t *testing.T) {
	var settings struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   map[string]string `json:"metadata"`
		Data       map[string]string `json:"data"`
	}
	read(t, root+"/deploy/argocd/argocd-cm.yaml", &settings)
	folder := filepath.Join(repository, kind)
	key := strings.ReplaceAll(kind, "/", "_")
	if settings.Data["resource.customizations.health."+key] != text(t, folder+"/health.lua") {
		t.Error("the health check is another")
	}
	// Source: ResourceActions in pkg/apis/application/v1alpha1/types.go of https://github.com/argoproj/argo-cd.
	var actions struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name string `json:"name"`
			Lua  string `json:"action.lua"`
		} `json:"definitions"`
	}
	if err := yaml.UnmarshalStrict([]byte(settings.Data["resource.customizations.actions."+key]), &actions); err != nil {
		t.Fatal(err)
	}
	if actions.Discovery != text(t, folder+"/actions/discovery.lua") {
		t.Error("the discovery is another")
	}
	var defined []string
	for _, one := range actions.Definitions {
		defined = append(defined, one.Name)
		if one.Lua != text(t, filepath.Join(folder, "actions", one.Name, "action.lua")) {
			t.Errorf("the action %s is another", one.Name)
		}
	}
	slices.Sort(defined)
	object := states(t)[0].object
	for at, one := range actionsOf(t, actions.Discovery, object.Object) {
		if at >= len(defined) || defined[at] != one.Name {
			t.Errorf("%s is discovered; defined are %v", one.Name, defined)
		}
	}
}
