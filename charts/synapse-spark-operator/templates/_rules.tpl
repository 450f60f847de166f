{{- /* The files with rules for Prometheus. */}}
{{- define "synapse-spark-operator.ruleFiles" -}}
{{- $files := list "files/alerts.yaml" }}
{{- if .Values.prometheus.prometheusrule.slo.enabled }}
{{- $files = append $files "files/slo.yaml" }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{- /* The groups of rules, without the alerts that are switched off, and with the settings of each. */}}
{{- define "synapse-spark-operator.ruleGroups" -}}
{{- $settings := .Values.prometheus.prometheusrule }}
{{- $groups := list }}
{{- range include "synapse-spark-operator.ruleFiles" . | fromJsonArray }}
{{- range ($.Files.Get . | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := .rules }}
{{- if $rule.alert }}
{{- $own := get $settings.alerts $rule.alert | default dict }}
{{- if dig "enabled" true $own }}
{{- with $own.for }}
{{- $_ := set $rule "for" . }}
{{- end }}
{{- $severity := dict "severity" ($own.severity | default $rule.labels.severity) }}
{{- $_ := set $rule "labels" (mergeOverwrite (dict) $rule.labels $settings.alertLabels $severity ($own.labels | default dict)) }}
{{- $runbook := $rule.annotations.runbook_url }}
{{- with $settings.runbookUrl }}
{{- $runbook = replace "{alert}" $rule.alert . }}
{{- end }}
{{- $annotations := mergeOverwrite (dict) $rule.annotations (dict "runbook_url" $runbook) $settings.alertAnnotations }}
{{- $_ := set $rule "annotations" (mergeOverwrite $annotations ($own.annotations | default dict)) }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- else }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}
{{- $groups = append $groups (set . "rules" $rules) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}

{{- /* Refuses settings of alerts that do not exist, which would have no effect. */}}
{{- define "synapse-spark-operator.validateAlerts" -}}
{{- $names := list }}
{{- range list "files/alerts.yaml" "files/slo.yaml" }}
{{- range ($.Files.Get . | fromYaml).groups }}
{{- range .rules }}
{{- with .alert }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.prometheus.prometheusrule.alerts }}
{{- if not (has $name $names) }}
{{- fail (printf "prometheus.prometheusrule.alerts: there is no alert %s. There are: %s" $name (join ", " $names)) }}
{{- end }}
{{- end }}
{{- end }}
