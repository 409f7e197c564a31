{{- define "nightreel.labels" -}}
app.kubernetes.io/name: nightreel
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels by which Services and policies find the pods of a component: (list . "mlflow") */}}
{{- define "nightreel.selector" -}}
app.kubernetes.io/name: nightreel
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* What all pods have in common. Restricted by the Pod Security Standards, as `securityContext` of the container below. */}}
{{- define "nightreel.pod" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- with .Values.podSecurityContext }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "nightreel.container" -}}
imagePullPolicy: IfNotPresent
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Variables of every process that reads the store. */}}
{{- define "nightreel.store" -}}
- configMapRef: {name: {{ .Release.Name }}-settings}
{{- with .Values.secrets.store }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* The pod of a task, as a template of Airflow's KubernetesExecutor, which sets its name, labels and arguments:
     (list . tasks|gpu priorityClassName) */}}
{{- define "nightreel.task" -}}
{{- $ := index . 0 }}
{{- $kind := index . 1 }}
{{- $gpu := eq $kind "gpu" }}
{{- $settings := index $.Values $kind }}
apiVersion: v1
kind: Pod
metadata:
  name: task
  labels: {{- include "nightreel.selector" (list $ "task") | nindent 4 }}
  annotations:
    cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
spec:
  restartPolicy: Never
  serviceAccountName: {{ $.Release.Name }}-task
  terminationGracePeriodSeconds: 60
  {{- include "nightreel.pod" $ | trim | nindent 2 }}
  {{- if $gpu }}
  priorityClassName: {{ $.Release.Name }}-gpu
  nodeSelector: {{- toYaml $.Values.gpu.nodeSelector | nindent 4 }}
  tolerations: {{- toYaml $.Values.gpu.tolerations | nindent 4 }}
  {{- end }}
  containers:
    - name: base
      image: {{ $.Values.images.worker }}
      {{- include "nightreel.container" $ | nindent 6 }}
      envFrom:
        - configMapRef: {name: {{ $.Release.Name }}-airflow}
        {{- include "nightreel.store" $ | nindent 8 }}
        - secretRef: {name: {{ $.Values.secrets.pseudonyms }}}
      env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: NIGHTREEL_SPARK_CONF, value: /etc/nightreel/spark.conf}
      resources:
        {{- $resources := deepCopy $settings.resources }}
        {{- if $gpu }}
        {{- $_ := set $resources.requests $.Values.gpu.resource 1 }}
        {{- $_ := set $resources.limits $.Values.gpu.resource 1 }}
        {{- end }}
        {{- toYaml $resources | nindent 8 }}
      volumeMounts:
        - {name: pods, mountPath: /etc/nightreel, readOnly: true}
        - {name: scratch, mountPath: /tmp, subPath: tmp}
        - {name: scratch, mountPath: /home/nightreel, subPath: home}
        - {name: scratch, mountPath: /var/lib/nightreel, subPath: nightreel}
        - {name: scratch, mountPath: /var/lib/airflow, subPath: airflow}
        {{- if $gpu }}
        - {name: shared-memory, mountPath: /dev/shm}
        {{- end }}
  volumes:
    - {name: pods, configMap: {name: {{ $.Release.Name }}-pods}}
    - {name: scratch, emptyDir: {}}
    {{- if $gpu }}
    - {name: shared-memory, emptyDir: {medium: Memory, sizeLimit: 2Gi}}
    {{- end }}
{{- end }}
